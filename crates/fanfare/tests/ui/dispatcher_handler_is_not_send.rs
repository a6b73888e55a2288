use std::{cell::Cell, rc::Rc, sync::Arc};

use fanfare::{Event, dispatch::Dispatcher};

#[derive(Event)]
#[event(type = "button.clicked", local)]
struct Clicked;

fn main() {
    let clicks = Rc::new(Cell::new(0));
    let counted = clicks.clone();
    Dispatcher::new().on(move |_: &Clicked| counted.set(counted.get() + 1));
    Dispatcher::new().on(move |_: Arc<Clicked>| {
        let counted = clicks.clone();
        async move { counted.set(counted.get() + 1) }
    });
}
