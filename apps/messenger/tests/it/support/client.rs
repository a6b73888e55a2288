//! A client of the gateway that speaks raw frames.

use super::Person;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

pub(crate) struct Client {
    pub(crate) person: Person,
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    next: u32,
    answers: VecDeque<Value>,
    pushes: VecDeque<Value>,
}

impl Client {
    /// The close code, when the connection is refused.
    pub(crate) async fn connect(person: &Person, token: &str) -> Result<Self, u16> {
        let address = person.address;
        let mut request = format!("ws://{address}/connection/websocket").into_client_request().unwrap();
        request.headers_mut().insert("Origin", format!("http://{address}").parse().unwrap());
        let (socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
        let mut client = Self {
            person: person.clone(),
            socket,
            next: 0,
            answers: VecDeque::new(),
            pushes: VecDeque::new(),
        };
        client.command(json!({ "connect": { "token": token } })).await?;
        Ok(client)
    }

    /// Calls a method: its answer, or the code of the error. Called too fast, it waits as long as it was told to.
    pub(crate) async fn rpc(&mut self, method: &str, data: Value) -> Result<Value, u64> {
        loop {
            let answer = self.command(json!({ "rpc": { "method": method, "data": data } })).await;
            let answer = answer.expect("the connection is open");
            match answer["error"]["code"].as_u64() {
                Some(429) => tokio::time::sleep(told_to_wait(&answer)).await,
                Some(code) => return Err(code),
                None => return Ok(answer["rpc"]["data"].clone()),
            }
        }
    }

    /// Subscribes: the answer, or the code of the error.
    pub(crate) async fn subscribe(&mut self, channel: &str) -> Result<Value, u64> {
        self.subscribe_from(channel, json!({})).await
    }

    pub(crate) async fn subscribe_from(&mut self, channel: &str, more: Value) -> Result<Value, u64> {
        let mut request = json!({ "channel": channel });
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = self.command(json!({ "subscribe": request })).await.expect("the connection is open");
        match answer["error"]["code"].as_u64() {
            Some(code) => Err(code),
            None => Ok(answer["subscribe"].clone()),
        }
    }

    /// Subscribes to many channels by one message, as the client library does after a reconnect.
    pub(crate) async fn subscribe_to_all(&mut self, requests: &[Value]) -> Vec<Value> {
        let commands = requests.iter().map(|request| json!({ "subscribe": request })).collect::<Vec<_>>();
        self.all_at_once(&commands).await
    }

    /// Many commands in one message: their answers in the order of the commands.
    pub(crate) async fn all_at_once(&mut self, commands: &[Value]) -> Vec<Value> {
        let first = self.next + 1;
        let mut frame = String::new();
        for command in commands {
            self.next += 1;
            let mut command = command.clone();
            command["id"] = self.next.into();
            frame += &command.to_string();
            frame.push('\n');
        }
        self.socket.send(Message::text(frame)).await.unwrap();
        while self.answers.len() < commands.len() {
            self.read().await.expect("the connection is open");
        }
        let mut answers: Vec<Value> = self.answers.drain(..).collect();
        answers.sort_by_key(|answer| answer["id"].as_u64());
        assert_eq!(answers[0]["id"].as_u64(), Some(first.into()));
        answers
    }

    pub(crate) async fn send_text(&mut self, room: &str, client_id: &str, text: &str) -> Value {
        self.rpc("message.send", json!({ "room": room, "client_id": client_id, "text": text })).await.unwrap()
    }

    /// Any command; the close code when the connection ends over it.
    pub(crate) async fn command(&mut self, command: Value) -> Result<Value, u16> {
        let id = self.begin(command).await?;
        self.answer(id).await
    }

    /// Sends a command, whose answer is waited for later.
    pub(crate) async fn begin(&mut self, mut command: Value) -> Result<u32, u16> {
        self.next += 1;
        command["id"] = self.next.into();
        self.socket.send(Message::text(command.to_string())).await.map_err(|_| 0u16)?;
        Ok(self.next)
    }

    pub(crate) async fn answer(&mut self, id: u32) -> Result<Value, u16> {
        loop {
            if let Some(at) = self.answers.iter().position(|answer| answer["id"] == id) {
                return Ok(self.answers.remove(at).unwrap());
            }
            self.read().await?;
        }
    }

    /// The next push that this takes; what comes before it is passed over.
    pub(crate) async fn push(&mut self, is: impl Fn(&Value) -> bool) -> Value {
        loop {
            while let Some(push) = self.pushes.pop_front() {
                if is(&push) {
                    return push;
                }
            }
            self.read().await.expect("the connection is open");
        }
    }

    /// The next publication's data in a channel, with its offset.
    pub(crate) async fn publication(&mut self, channel: &str) -> (u64, Value) {
        let push = self.push(|push| push["channel"] == channel && push["pub"].is_object()).await;
        (push["pub"]["offset"].as_u64().unwrap(), push["pub"]["data"].clone())
    }

    /// The next personal push of a kind.
    pub(crate) async fn message(&mut self, kind: &str) -> Value {
        self.push(|push| push["message"]["data"]["kind"] == kind).await["message"]["data"].clone()
    }

    /// What has been pushed so far and nobody asked for, after everything was answered that came before.
    pub(crate) async fn pushed(&mut self) -> Vec<Value> {
        let _ = self.rpc("people", json!({})).await;
        self.pushes.drain(..).collect()
    }

    /// The code with which the connection ends.
    pub(crate) async fn closed(&mut self) -> u16 {
        loop {
            if let Err(code) = self.read().await {
                return code;
            }
        }
    }

    async fn read(&mut self) -> Result<(), u16> {
        let next = tokio::time::timeout(Duration::from_secs(20), self.socket.next())
            .await
            .expect("something in time");
        match next {
            Some(Ok(Message::Text(text))) => {
                for line in text.lines() {
                    let line: Value = serde_json::from_str(line).unwrap();
                    if line["id"].is_u64() {
                        self.answers.push_back(line);
                    } else if line["push"].is_object() {
                        self.pushes.push_back(line["push"].clone());
                    } else {
                        self.socket.send(Message::text("{}")).await.map_err(|_| 0u16)?;
                    }
                }
                Ok(())
            }
            Some(Ok(Message::Close(frame))) => Err(frame.map_or(0, |frame| frame.code.into())),
            Some(Ok(_)) => Ok(()),
            Some(Err(_)) | None => Err(0),
        }
    }
}

/// From "too fast; try again in 50 ms".
fn told_to_wait(answer: &Value) -> Duration {
    let words = answer["error"]["message"].as_str().unwrap();
    let wait = words.rsplit(' ').nth(1).and_then(|number| number.parse().ok());
    Duration::from_millis(wait.unwrap_or_else(|| panic!("no time to wait in {words:?}")))
}
