extern crate fanfare_core as fanfare;
use fanfare_macros::Events;

#[derive(Events)]
enum OrderEvent<T> {
    Placed(T),
}

#[derive(Events)]
#[events(krate = fanfare)]
enum Misspelt {
    Placed(u8),
}

fn main() {}
