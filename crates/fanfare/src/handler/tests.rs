//! What counts as a handler function.

use std::{sync::Arc, time::Duration};

use fanfare_core::{Envelope, Input, IntoOutcome, RawEvent, Retry};
use serde::{Deserialize, Serialize};

use super::{BlockingExt, HandlerExt, IntoHandler, Options, Shape};
use crate::Event;
use crate::extract::{Args, Attempt, Context, State};

#[derive(Event, Serialize, Deserialize)]
#[event(type = "order.placed")]
struct Placed;

#[derive(Debug, thiserror::Error)]
#[error("no stock")]
struct StockError;

async fn plain(_: Placed) {}
async fn all(
    _: Envelope<Placed>,
    _: State<u8>,
    _: Context,
    _: Attempt,
) -> Result<Option<Placed>, StockError> {
    Ok(None)
}
async fn shared(_: Arc<Placed>) -> Vec<Placed> {
    Vec::new()
}
async fn raw(_: RawEvent) -> Result<(), String> {
    Ok(())
}
fn sync(_: Placed, _: State<u8>) -> Result<Placed, StockError> {
    Err(StockError)
}

/// The bounds of `App::on`.
fn on<X, H>(handler: H) -> (Options, &'static str)
where
    H: IntoHandler<X>,
    H::In: Input,
    H::Args: Args,
    H::Out: IntoOutcome,
    H::Fut: Send,
    H::F: Send + Sync + 'static,
    H::M: 'static,
{
    (handler.into_configured().options, <H::F as Shape<H::M>>::type_name())
}

#[test]
fn async_functions_closures_and_blocking_functions_are_handlers() {
    on(plain);
    on(all);
    on(shared);
    on(raw.types("chat.>"));
    on(|_: Placed| async {});
    on(async |_: Placed| {});
    on(sync.blocking());
    on(all.permanent_if(|_: &StockError| true).retry(Retry::none()));
}

#[test]
fn wrappers_keep_the_functions_name_and_every_option() {
    let (options, name) = on(sync.blocking().concurrency(0).permanent_if(|_: &StockError| true));
    assert!(name.ends_with("::sync"), "{name}");
    assert!(options.is_blocking && options.concurrency_max == 1);
    let (options, name) =
        on(all.ack_timeout(Duration::from_secs(1)).park().permanent_if(|_: &StockError| true));
    assert!(name.ends_with("::all"), "{name}");
    assert!(options.park && options.ack_timeout == Duration::from_secs(1));
}
