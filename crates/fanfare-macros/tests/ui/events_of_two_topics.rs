extern crate fanfare_core as fanfare;
use fanfare_macros::{Event, Events};
use serde::{Deserialize, Serialize};

#[derive(Event, Serialize, Deserialize)]
#[event(type = "order.placed")]
struct OrderPlaced;

#[derive(Event, Serialize, Deserialize)]
#[event(type = "invoice.paid")]
struct InvoicePaid;

#[derive(Events)]
enum OrderEvent {
    Placed(OrderPlaced),
    Paid(InvoicePaid),
}

fn main() {}
