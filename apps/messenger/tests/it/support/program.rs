//! The program itself, in a process of its own.

use super::{Answer, Person, http};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, mpsc};
use std::time::Duration;

const PROGRAM: &str = env!("CARGO_BIN_EXE_messenger");

/// A messenger that serves. Killed when it is dropped.
pub(crate) struct Program {
    pub(crate) address: SocketAddr,
    /// What it said when it started.
    pub(crate) said: String,
    log: Arc<Mutex<String>>,
    child: Child,
}

impl Program {
    /// Starts it, and waits until it serves.
    pub(crate) fn start(data: &Path, more: &[&str]) -> Self {
        let mut command = Command::new(PROGRAM);
        command.args(["--listen", "127.0.0.1:0", "--data"]).arg(data).args(more);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (mut stderr, lines) = (child.stderr.take().unwrap(), log.clone());
        std::thread::spawn(move || {
            let mut read = [0; 4096];
            while let Ok(count @ 1..) = stderr.read(&mut read) {
                lines.lock().push_str(&String::from_utf8_lossy(&read[..count]));
            }
        });
        let (says, lines) = mpsc::channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            stdout.lines().map_while(Result::ok).for_each(|line| drop(says.send(line)))
        });
        let mut said = String::new();
        while !said.contains("Open it") {
            let line = lines.recv_timeout(Duration::from_secs(30));
            said += &line.unwrap_or_else(|_| panic!("it did not start: {said}{}", log.lock()));
            said.push('\n');
        }
        let address = said.split("It listens on ").nth(1).or_else(|| said.split("http://").nth(1)).unwrap();
        let address = address.split(['/', '\n']).next().unwrap().trim_end_matches('.');
        let mut address: SocketAddr = address.parse().unwrap_or_else(|_| panic!("no address in {said}"));
        if address.ip().is_unspecified() {
            address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
        }
        Self { address, said, log, child }
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().clone()
    }

    /// Asks it to end.
    pub(crate) fn terminate(&self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    }

    /// Waits until it has ended: whether in order.
    pub(crate) async fn ended(&mut self) -> bool {
        let mut ended = None;
        super::eventually("it ends", async || {
            ended = self.child.try_wait().unwrap();
            ended.is_some()
        })
        .await;
        ended.unwrap().success()
    }

    /// As a crash, or an impatient operator.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) async fn post(&self, path: &str, body: Value, headers: &[(&str, &str)]) -> Answer {
        http::call(self.address, "POST", path, None, Some(&body), headers).await
    }

    pub(crate) async fn person(&self, name: &str) -> Person {
        self.enter("/api/sign-up", name, "correct horse").await
    }

    pub(crate) async fn again(&self, name: &str) -> Person {
        self.enter("/api/sign-in", name, "correct horse").await
    }

    /// The first administrator, with a password of their own.
    pub(crate) async fn admin(&self) -> Person {
        let first = self.said.split("one-time password ").nth(1).unwrap().lines().next().unwrap();
        let admin = self.enter("/api/sign-in", "admin", first).await;
        let change = json!({ "current": first, "new": "battery staple" });
        assert_eq!(admin.post("/api/password", change).await.status, 200);
        admin
    }

    pub(crate) async fn enter(&self, path: &str, name: &str, password: &str) -> Person {
        let answer = self.post(path, json!({ "name": name, "password": password }), &[]).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        Person::of(self.address, &answer)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs it to its end.
pub(crate) fn run(arguments: &[&str]) -> Output {
    Command::new(PROGRAM).args(arguments).output().unwrap()
}
