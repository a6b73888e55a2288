use fanfare::{App};

async fn tick() {}

fn main() {
    let _ = App::new("shop").on(tick);
}
