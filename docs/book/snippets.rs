//! Every Rust snippet of the book and of the readme is a doc test of this crate, which holds nothing else.

macro_rules! pages {
    ($($page:literal)*) => {
        $(
            #[doc = include_str!($page)]
            const _: () = ();
        )*
    };
}

pages! {
    "../../README.md"
    "src/introduction.md"
    "src/dispatcher.md"
    "src/quick-start.md"
    "src/events.md"
    "src/handlers.md"
    "src/retry.md"
    "src/groups.md"
    "src/broker.md"
    "src/journal.md"
    "src/gateway.md"
    "src/messenger.md"
    "src/metrics.md"
    "src/operations.md"
    "src/benches.md"
}
