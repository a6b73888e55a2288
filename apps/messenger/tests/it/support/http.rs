//! One request per connection, in as few words as HTTP allows.

use serde_json::Value;
use std::net::SocketAddr;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Value,
    /// With its name, as it is sent back.
    pub(crate) cookie: Option<String>,
}

/// `headers` replace those of the same name.
pub(crate) async fn call(
    address: SocketAddr,
    method: &str,
    path: &str,
    cookie: Option<&str>,
    body: Option<&Value>,
    headers: &[(&str, &str)],
) -> Answer {
    let stream = TcpStream::connect(address).await.unwrap();
    over(stream, address, method, path, cookie, body, headers).await
}

/// The same over a connection that is there already, as one behind TLS.
pub(crate) async fn over(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    address: SocketAddr,
    method: &str,
    path: &str,
    cookie: Option<&str>,
    body: Option<&Value>,
    headers: &[(&str, &str)],
) -> Answer {
    let mut lines =
        vec![("Host".to_owned(), address.to_string()), ("Connection".to_owned(), "close".to_owned())];
    let mut set = |name: &str, value: String| {
        lines.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        if !value.is_empty() {
            lines.push((name.to_owned(), value));
        }
    };
    if method == "POST" {
        set("Origin", format!("http://{address}"));
        set("Content-Type", "application/json".into());
    }
    if let Some(cookie) = cookie {
        set("Cookie", cookie.to_owned());
    }
    let body = body.map(Value::to_string).unwrap_or_default();
    set("Content-Length", body.len().to_string());
    for (name, value) in headers {
        set(name, (*value).to_owned());
    }
    let lines: String = lines.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let request = format!("{method} {path} HTTP/1.1\r\n{lines}\r\n{body}");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A server that refuses a long body may reset the connection behind its answer.
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let cookie = head.lines().find_map(|line| line.strip_prefix("set-cookie: ")?.split(';').next());
    Answer {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        cookie: cookie.map(str::to_owned),
        body: serde_json::from_str(body).unwrap_or(Value::Null),
        head: head.to_owned(),
    }
}

/// The body of a page as it is.
pub(crate) async fn text(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}
