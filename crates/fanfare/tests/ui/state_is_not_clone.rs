use fanfare::{App};

struct Stock;

fn main() {
    let _ = App::new("shop").state(Stock);
}
