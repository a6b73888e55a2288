//! The records of the journal: what each change of the broker's state is, and its bytes.
//!
//! Every body begins with the version of its kind; all kinds are at version 1.
//!
//! | kind | record | meaning |
//! | --- | --- | --- |
//! | 1 | store | the store's random seed, once, first of all |
//! | 2 | clock | how long the store has been open; ages the window of repeats |
//! | 3 | class | gives a number to a topic, event type and type version |
//! | 4 | event | an event with its place: the only kind that has a position |
//! | 5 | attempts | attempts of a group that begin |
//! | 6 | settled | positions that a group is done with |
//! | 7 | retried | an attempt that ended, and when the next one is due |
//! | 8 | dead | a position that a group gave up |
//! | 9 | redriven | dead letters that their group gets again |
//! | 10 | discarded | dead letters that are forgotten |
//! | 11 | scheduled | an event that waits for its time |
//! | 12 | schedule done | such an event was published; its event record stands in the same batch |
//! | 13 | group created | a new group |
//! | 14 | group renamed | |
//! | 15 | group deleted | |
//! | 16 | group filter | a group takes other events from now on |
//! | 17 | held | a key, or a record without one, is passed over until it is resumed |
//! | 18 | resumed | what was passed over is unsettled again |
//! | 19 | released | attempts that were handed back and do not count |
//! | 20 | recovered | an unclean stop: attempts that were running are suspects |

mod change;
mod event;
mod kind;
mod message;
#[cfg(test)]
mod tests;
pub(crate) mod wire;

pub(crate) use change::{
    Acked, Created, Dead, Held, Record, Refiltered, Retried, get_failed, get_filters, get_name,
    get_positions, put_failed, put_filters, put_positions,
};
pub(crate) use event::{EventPeek, decode_event, encode_event, peek_event};
pub(crate) use kind::Kind;
pub(crate) use message::{decode_message, encode_message};
pub(crate) use wire::Malformed;
