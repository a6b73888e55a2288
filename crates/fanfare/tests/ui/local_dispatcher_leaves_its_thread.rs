use fanfare::{Event, dispatch::LocalDispatcher};

#[derive(Event)]
#[event(type = "button.clicked", local)]
struct Clicked;

fn main() {
    let dispatcher = LocalDispatcher::new();
    let inside = dispatcher.clone();
    std::thread::spawn(move || inside.emit_sync(&Clicked).ignore());
    tokio::spawn(async move { dispatcher.emit(Clicked).await.ignore() });
}
