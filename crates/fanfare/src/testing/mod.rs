//! An application in a test, under paused time.

mod test_app;

pub use test_app::TestApp;
