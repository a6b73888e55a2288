use fanfare::{App, Event};

#[derive(Event)]
#[event(type = "cache.cleared", local)]
struct CacheCleared;

async fn warm_up(_: CacheCleared) {}

fn main() {
    let _ = App::new("shop").on(warm_up);
}
