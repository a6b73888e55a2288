//! How a program ends that is told to by signals: in a process of its own.
#![cfg(unix)]

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, channel},
    time::{Duration, Instant},
};

use fanfare::{App, BlockingExt, HandlerExt, logging};

use crate::support::{StepTaken, step};

/// Within this everything happens, on the slowest machine.
const DEADLINE: Duration = Duration::from_secs(60);
const FOR_EVER: Duration = Duration::from_secs(24 * 3600);

async fn suspended(_: StepTaken) {
    tracing::info!("the handler began");
    tokio::time::sleep(FOR_EVER).await;
}

fn stuck(_: StepTaken) {
    tracing::info!("the handler began");
    std::thread::sleep(FOR_EVER);
}

/// A program with one event in the hands of a handler that does not end.
#[tokio::main]
async fn run(app: App) {
    logging::init(logging::Format::Text);
    let publisher = App::new("publisher").transport("memory:lifecycle").start().await.unwrap();
    publisher.publisher().publish(step("a", 1)).await.unwrap();
    app.transport("memory:lifecycle").run().await.unwrap();
    tracing::info!("run has returned");
}

#[test]
#[ignore = "a program for the tests below"]
fn program_whose_drain_has_a_day() {
    run(App::new("test").drain_timeout(FOR_EVER).on(suspended.ack_timeout(FOR_EVER)));
}

#[test]
#[ignore = "a program for the tests below"]
fn program_whose_handler_blocks() {
    run(App::new("test").drain_timeout(Duration::from_millis(50)).on(stuck.blocking()));
}

struct Program {
    child: Child,
    said: Receiver<String>,
    before: Vec<String>,
}

impl Program {
    fn start(test: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", &format!("starting::lifecycle::{test}"), "--ignored", "--nocapture"])
            .env("RUST_LOG", "info")
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let (lines, said) = channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || {
            stderr.lines().map_while(Result::ok).try_for_each(|line| lines.send(line))
        });
        Self { child, said, before: Vec::new() }
    }

    fn says(&mut self, text: &str) {
        while !self.before.last().is_some_and(|line| line.contains(text)) {
            match self.said.recv_timeout(DEADLINE) {
                Ok(line) => self.before.push(line),
                Err(error) => panic!("it does not say `{text}` ({error}): {:#?}", self.before),
            }
        }
    }

    fn terminate(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    }

    fn ended(&mut self) -> ExitStatus {
        let begin = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(begin.elapsed() < DEADLINE, "it does not end: {:#?}", self.before);
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_second_signal_ends_the_drain_at_once() {
    let mut program = Program::start("program_whose_drain_has_a_day");
    program.says("the handler began");
    program.terminate();
    program.says("told to end: draining");
    program.terminate();
    program.says("run has returned");
    assert!(program.ended().success());
}

#[test]
fn a_handler_that_does_not_stop_is_left_behind_and_the_program_ends() {
    let mut program = Program::start("program_whose_handler_blocks");
    program.says("the handler began");
    program.terminate();
    program.says("they are left behind");
    program.says("run has returned");
    assert!(program.ended().success());
}
