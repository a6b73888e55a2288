use super::Malformed;

macro_rules! kinds {
    ($($name:ident = $number:literal,)*) => {
        /// The kind of a record; the table is in the module's words.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub(crate) enum Kind {
            $($name = $number,)*
        }

        impl TryFrom<u8> for Kind {
            type Error = Malformed;

            fn try_from(number: u8) -> Result<Self, Malformed> {
                match number {
                    $($number => Ok(Self::$name),)*
                    _ => Err(Malformed("its kind is unknown: a newer version of Fanfare wrote it")),
                }
            }
        }
    };
}

kinds! {
    Store = 1,
    Clock = 2,
    Class = 3,
    Event = 4,
    Attempts = 5,
    Settled = 6,
    Retried = 7,
    Dead = 8,
    Redriven = 9,
    Discarded = 10,
    Scheduled = 11,
    ScheduleDone = 12,
    GroupCreated = 13,
    GroupRenamed = 14,
    GroupDeleted = 15,
    GroupFilter = 16,
    Held = 17,
    Resumed = 18,
    Released = 19,
    Recovered = 20,
}
