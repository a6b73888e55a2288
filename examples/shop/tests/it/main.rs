//! Each program's output tells the story.

use std::process::{Command, Output};

fn run(program: &str, arguments: &[&str]) -> Output {
    let output = Command::new(program).args(arguments).output().expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

fn story(program: &str) -> String {
    String::from_utf8(run(program, &[]).stdout).expect("the story is text")
}

/// Finds the lines in this order, others may stand between.
fn assert_told(story: &str, lines: &[&str]) {
    let mut told = story.lines();
    for line in lines {
        assert!(told.any(|said| said.contains(line)), "`{line}` is missing, or told too early, in:\n{story}");
    }
}

#[test]
fn synchronous_handlers_run_in_order_and_are_isolated_from_each_other() {
    let story = story(env!("CARGO_BIN_EXE_sync"));
    assert_told(
        &story,
        &[
            "Order placed: Python Book. Updating inventory... 2 left",
            "Sending notification for order: Python Book",
            "Sending notification for order: Desk Lamp",
            "failed: `update_inventory` failed on `order.placed`: only 1 x Desk Lamp are left",
            "audit: order 3: 1 x Python Book",
            "Order placed: Python Book. Updating inventory... 0 left",
        ],
    );
    assert_eq!(story.matches("audit").count(), 1, "the guard has ended the subscription:\n{story}");
}

#[test]
fn async_handlers_run_at_once_and_what_they_return_is_emitted() {
    let story = story(env!("CARGO_BIN_EXE_async"));
    assert_told(
        &story,
        &[
            "Sending notification for order: Python Book",
            "Order placed: Python Book. Updating inventory...",
            "stock: 2 x Python Book left",
            "took 1.0 s in all",
            "Sending notification for order: Unicorn",
            "failed: `reserve_stock` failed on `order.placed`: there is no `Unicorn` in this shop",
        ],
    );
}

#[test]
fn on_the_broker_a_flaky_handler_is_retried_and_a_dead_letter_is_redriven() {
    let story = story(env!("CARGO_BIN_EXE_broker"));
    let notifier = [
        "Sending notification for order: Python Book (attempt 1)",
        "attempt 1 to notify order 2 failed: the post office is busy",
        "Sending notification for order: Desk Lamp (attempt 2)",
        "attempt 1 to notify order 3 failed: the street is closed",
        "attempt 2 to notify order 3 failed: the street is closed",
        "attempt 3 to notify order 3 failed: the street is closed",
        "dead letter of shop//send_notification: gave up after 3 attempts: the street is closed",
        "attempt 3: the street is closed",
        "Sending notification for order: Python Book (attempt 1)",
        "everything is settled",
    ];
    assert_told(&story, &notifier);
    // A receipt and the handlers' first words come at the same time.
    assert_told(&story, &["durable: Fsync", "durable: Fsync", "redriven: 1"]);
    assert_told(&story, &["2 left", "1 left", "1 left", "redriven: 1"]);
    assert_eq!(story.matches("Updating inventory").count(), 3, "redrive reaches one group alone:\n{story}");
}

#[test]
fn a_folder_that_is_kept_is_gone_on_with() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().to_str().expect("a path in UTF-8");
    let first = run(env!("CARGO_BIN_EXE_broker"), &["--data", path]);
    let second = run(env!("CARGO_BIN_EXE_broker"), &["--data", path]);
    let count =
        |output: Output| String::from_utf8_lossy(&output.stdout).matches("Updating inventory").count();
    assert_eq!((count(first), count(second)), (3, 3), "what the first run has settled is not handled again");
}
