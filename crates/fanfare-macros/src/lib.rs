//! The derives of Fanfare. Use them through the crate `fanfare`, which re-exports them beside the traits.
//!
//! They derive and diagnose, and define no behaviour: what they write can be written by hand.

mod attributes;
mod event;
mod events;
mod names;
mod payload;
mod suggest;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Derives `Event`, and `Portable` unless the event is local.
///
/// ```text
/// #[derive(Event, Serialize, Deserialize, Clone, Debug)]
/// #[event(type = "order.placed", version = 1, key = order_id)]
/// struct OrderPlaced { order_id: Uuid, item: String }
/// ```
///
/// | option | meaning | default |
/// | --- | --- | --- |
/// | `type = ".."` | the event type: segments of ASCII letters, digits, `-`, `_` with dots between | required |
/// | `version = 2` | version of the payload's shape | 1 |
/// | `key = field` | the field that says which thing the event is about; its `Display` is the key | no key: unordered |
/// | `topic = ".."` | where the event is kept and with what it is ordered | all but the type's last segment |
/// | `local` | the event never leaves the process and needs no serde | |
/// | `crate = path` | where Fanfare is found | `::fanfare` |
///
/// The key's name in the encoded payload follows `#[serde(rename)]` and `#[serde(rename_all)]`.
#[proc_macro_derive(Event, attributes(event))]
pub fn derive_event(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    event::derive(&input).unwrap_or_else(|error| error.into_compile_error()).into()
}

/// Derives `Events` and `Input` for an enum of events that keep their order in one handler.
///
/// ```text
/// #[derive(Events)]
/// enum OrderEvent { Placed(OrderPlaced), Cancelled(OrderCancelled) }
/// ```
///
/// Every variant holds one event. All events share a topic and differ in type, or the enum does not compile.
/// `#[events(crate = path)]` says where Fanfare is found, `::fanfare` by default.
#[proc_macro_derive(Events, attributes(events))]
pub fn derive_events(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    events::derive(&input).unwrap_or_else(|error| error.into_compile_error()).into()
}
