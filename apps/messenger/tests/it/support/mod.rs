//! A messenger in a folder of its own, and people who use it.

mod client;
pub(crate) mod http;
mod program;

pub(crate) use client::Client;
pub(crate) use http::Answer;
pub(crate) use program::{Program, run};

use axum::Router;
use fanfare::App;
use fanfare_gateway::door::Door;
use messenger::accounts::{Cost, SignUp};
use messenger::messenger::{Config, Messenger};
use messenger::web::{Reach, own_origins};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) messenger: Arc<Messenger>,
    serving: JoinHandle<()>,
    folder: Option<tempfile::TempDir>,
    path: PathBuf,
}

/// Somebody who is signed in.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) cookie: String,
    pub(crate) address: SocketAddr,
}

pub(crate) async fn start() -> Server {
    start_with(|_| {}).await
}

pub(crate) async fn start_with(change: impl FnOnce(&mut Config)) -> Server {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::open(folder.path(), change).await;
    server.folder = Some(folder);
    server
}

/// One with more handlers than its own, or another clock.
pub(crate) async fn start_extended(extend: impl FnOnce(App) -> App) -> Server {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::open_extended(folder.path(), |_| {}, extend).await;
    server.folder = Some(folder);
    server
}

impl Server {
    pub(crate) async fn open(path: &Path, change: impl FnOnce(&mut Config)) -> Self {
        Self::open_extended(path, change, |app| app).await
    }

    pub(crate) async fn open_extended(
        path: &Path,
        change: impl FnOnce(&mut Config),
        extend: impl FnOnce(App) -> App,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let reach = Reach {
            origins: own_origins("http", address),
            is_secure: false,
            is_behind_proxy: false,
            cookie: "session".into(),
        };
        let mut config = Config::new(path.join("data"), reach);
        config.cost = Cost::Least;
        change(&mut config);
        let messenger = Arc::new(Messenger::start_with(config, extend).await.unwrap());
        let router = messenger.router(Router::new());
        let door = Door::new(listener, None).unwrap();
        let serving = tokio::spawn(door.serve(router, std::future::pending()));
        Self { address, messenger, serving, folder: None, path: path.to_owned() }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path.join("data")
    }

    /// Ends it cleanly, and keeps its folder.
    pub(crate) async fn end(mut self) -> Option<tempfile::TempDir> {
        self.messenger.drain().await;
        self.serving.abort();
        let _ = (&mut self.serving).await;
        let folder = self.folder.take();
        let mut messenger = self.messenger;
        let messenger = loop {
            match Arc::try_unwrap(messenger) {
                Ok(messenger) => break messenger,
                Err(shared) => {
                    messenger = shared;
                    tokio::task::yield_now().await;
                }
            }
        };
        messenger.end().await.unwrap();
        folder
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        http::call(self.address, "POST", path, None, Some(&body), &[]).await
    }

    /// Signs somebody up.
    pub(crate) async fn person(&self, name: &str) -> Person {
        let answer = self.post("/api/sign-up", json!({ "name": name, "password": "correct horse" })).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        Person::of(self.address, &answer)
    }

    /// The first administrator, with a password of their own.
    pub(crate) async fn admin(&self) -> Person {
        let first = self.messenger.first_password().unwrap();
        let answer = self.post("/api/sign-in", json!({ "name": "admin", "password": first })).await;
        let admin = Person::of(self.address, &answer);
        let change = json!({ "current": first, "new": "battery staple" });
        assert_eq!(admin.post("/api/password", change).await.status, 200);
        admin
    }

    /// Signs somebody in who has signed up before.
    pub(crate) async fn again(&self, name: &str) -> Person {
        let answer = self.post("/api/sign-in", json!({ "name": name, "password": "correct horse" })).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        Person::of(self.address, &answer)
    }

    /// Makes a room and has these people come in.
    pub(crate) async fn room(
        &self,
        owner: &mut Client,
        is_public: bool,
        others: &mut [&mut Client],
    ) -> String {
        let room =
            owner.rpc("room.create", json!({ "name": "a room", "is_public": is_public })).await.unwrap();
        let room = room["id"].as_str().unwrap().to_owned();
        for other in others {
            if !is_public {
                let invite = json!({ "room": room, "person": other.person.id });
                owner.rpc("room.invite", invite).await.unwrap();
            }
            other.rpc("room.join", json!({ "room": room })).await.unwrap();
        }
        room
    }
}

impl Person {
    pub(crate) fn of(address: SocketAddr, answer: &Answer) -> Self {
        let text = |name: &str| answer.body["person"][name].as_str().unwrap().to_owned();
        Self { id: text("id"), cookie: answer.cookie.clone().unwrap(), address }
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        http::call(self.address, "POST", path, Some(&self.cookie), Some(&body), &[]).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        http::call(self.address, "GET", path, Some(&self.cookie), None, &[]).await
    }

    pub(crate) async fn post_with(&self, path: &str, body: Value, headers: &[(&str, &str)]) -> Answer {
        http::call(self.address, "POST", path, Some(&self.cookie), Some(&body), headers).await
    }

    pub(crate) async fn token(&self) -> String {
        let answer = self.post("/api/token", json!({})).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body["token"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn connect(&self) -> Client {
        let token = self.token().await;
        Client::connect(self, &token).await.expect("the connection is taken")
    }
}

/// Waits for something to become true.
pub(crate) async fn eventually(what: &str, mut is: impl AsyncFnMut() -> bool) {
    let end = tokio::time::Instant::now() + std::time::Duration::from_secs(15);
    while !is().await {
        assert!(tokio::time::Instant::now() < end, "it did not come to this: {what}");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

/// A messenger that only invited people join.
pub(crate) fn by_invitation(config: &mut Config) {
    config.sign_up = SignUp::Invitation;
}
