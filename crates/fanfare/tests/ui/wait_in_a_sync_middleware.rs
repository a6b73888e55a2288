use fanfare::{
    Event,
    dispatch::{Dispatcher, SyncExt},
    middleware::{Call, NextSync, Outcome, from_fn_sync},
};

#[derive(Event)]
#[event(type = "order.placed", local)]
struct OrderPlaced;

async fn waits(_: &Call, next: NextSync<'_>) -> Outcome {
    next.run()
}

fn main() {
    let dispatcher = Dispatcher::new();
    dispatcher.on((|_: &OrderPlaced| {}).wrap(from_fn_sync(waits)));
    dispatcher.on((|_: &OrderPlaced| {}).wrap(from_fn_sync(|_: &Call, next: NextSync<'_>| {
        std::future::ready(()).await;
        next.run()
    })));
}
