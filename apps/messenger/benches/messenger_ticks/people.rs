//! People who write: each waits for the tick, and for their turn.

use anyhow::{Context, Result, ensure};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{MissedTickBehavior, interval_at};
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

pub(crate) const PEOPLE: usize = 60;
pub(crate) const ROOMS: usize = 12;
/// A little less than the limits allow.
const EVERY: Duration = Duration::from_millis(220);
const WARM_UP: Duration = Duration::from_secs(1);
const MEASURED: Duration = Duration::from_secs(4);

/// How long each tick took, of all people.
pub(crate) async fn talk(address: SocketAddr) -> Result<Vec<Duration>> {
    let mut people = Vec::new();
    for number in 0..PEOPLE {
        people.push(Person::join(address, number).await?);
    }
    let mut rooms = Vec::new();
    for (number, person) in people.iter_mut().enumerate() {
        let room = match rooms.get(number % ROOMS) {
            Some(room) => person.rpc("room.join", json!({ "room": room })).await?["channel"].clone(),
            None => {
                let room = person.rpc("room.create", json!({ "name": "a room", "is_public": true })).await?;
                rooms.push(room["id"].clone());
                room["channel"].clone()
            }
        };
        person.command(json!({ "subscribe": { "channel": room } })).await?;
    }
    let begin = Instant::now();
    let tasks = people.into_iter().enumerate().map(|(number, person)| {
        let room = rooms.get(number % ROOMS).cloned().unwrap_or_default();
        tokio::spawn(person.write(room, begin, EVERY.mul_f64(number as f64 / PEOPLE as f64)))
    });
    let mut all = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        all.extend(task.await??);
    }
    Ok(all)
}

struct Person {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    next: u64,
}

impl Person {
    async fn join(address: SocketAddr, number: usize) -> Result<Self> {
        let from = format!("10.0.{}.{}", number / 250, number % 250);
        let up = json!({ "name": format!("person{number}"), "password": "correct horse" });
        let (cookie, _) = post(address, "/api/sign-up", &from, None, &up).await?;
        let cookie = cookie.context("a cookie")?;
        let (_, answer) = post(address, "/api/token", &from, Some(&cookie), &json!({})).await?;
        let mut request = format!("ws://{address}/connection/websocket").into_client_request()?;
        request.headers_mut().insert("Origin", format!("http://{address}").parse()?);
        let (socket, _) = tokio_tungstenite::connect_async(request).await?;
        let mut person = Self { socket, next: 0 };
        person.command(json!({ "connect": { "token": answer["token"] } })).await?;
        Ok(person)
    }

    async fn write(mut self, room: Value, begin: Instant, later: Duration) -> Result<Vec<Duration>> {
        let mut turns = interval_at(tokio::time::Instant::now() + later, EVERY);
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut took = Vec::new();
        while begin.elapsed() < WARM_UP + MEASURED {
            self.until(&mut turns).await?;
            let start = Instant::now();
            let client_id = self.next.to_string();
            let send = json!({ "room": room, "client_id": client_id, "text": "what people say in one line" });
            let answer = self.rpc("message.send", send).await?;
            ensure!(answer["is_repeat"] == false, "a tick for something else: {answer}");
            if begin.elapsed() > WARM_UP {
                took.push(start.elapsed());
            }
        }
        Ok(took)
    }

    /// Reads what comes meanwhile.
    async fn until(&mut self, turns: &mut tokio::time::Interval) -> Result<()> {
        loop {
            tokio::select! {
                _ = turns.tick() => return Ok(()),
                read = self.socket.next() => {
                    let read = read.context("the connection ended")??;
                    self.pong(&read).await?;
                }
            }
        }
    }

    async fn rpc(&mut self, method: &str, data: Value) -> Result<Value> {
        let answer = self.command(json!({ "rpc": { "method": method, "data": data } })).await?;
        Ok(answer["rpc"]["data"].clone())
    }

    async fn command(&mut self, mut command: Value) -> Result<Value> {
        self.next += 1;
        command["id"] = self.next.into();
        let wanted = format!("{{\"id\":{},", self.next);
        self.socket.send(Message::text(command.to_string())).await?;
        loop {
            let read = self.socket.next().await.context("the connection ended")??;
            self.pong(&read).await?;
            let found = read.to_text().unwrap_or_default().lines().find(|line| line.starts_with(&wanted));
            if let Some(line) = found {
                let answer: Value = serde_json::from_str(line)?;
                ensure!(answer["error"].is_null(), "{answer}");
                return Ok(answer);
            }
        }
    }

    async fn pong(&mut self, read: &Message) -> Result<()> {
        if read.to_text().is_ok_and(|text| text.lines().any(|line| line == "{}")) {
            self.socket.send(Message::text("{}")).await?;
        }
        Ok(())
    }
}

async fn post(
    address: SocketAddr,
    path: &str,
    from: &str,
    cookie: Option<&str>,
    body: &Value,
) -> Result<(Option<String>, Value)> {
    let body = body.to_string();
    let cookie = cookie.map(|cookie| format!("Cookie: {cookie}\r\n")).unwrap_or_default();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nOrigin: http://{address}\r\nX-Forwarded-For: {from}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n{cookie}Connection: close\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    ensure!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let (head, body) = answer.split_once("\r\n\r\n").context("a body")?;
    let cookie = head.lines().find_map(|line| line.strip_prefix("set-cookie: ")?.split(';').next());
    Ok((cookie.map(str::to_owned), serde_json::from_str(body)?))
}
