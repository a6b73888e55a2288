//! How it ends.

use crate::support::{self, Program, eventually, http};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A request whose body never comes, and that the program is known to wait for.
async fn unfinished(program: &Program) -> TcpStream {
    let address = program.address;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /api/sign-in HTTP/1.1\r\nHost: {address}\r\nOrigin: http://{address}\r\n\
         Content-Type: application/json\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 100");
    stream
}

#[tokio::test]
async fn it_is_ready_until_it_ends_and_says_so() {
    let server = support::start().await;
    assert_eq!(http::call(server.address, "GET", "/ready", None, None, &[]).await.status, 200);
    server.messenger.drain().await;
    assert_eq!(http::call(server.address, "GET", "/ready", None, None, &[]).await.status, 503);
    assert_eq!(http::call(server.address, "GET", "/live", None, None, &[]).await.status, 200);
}

#[tokio::test]
async fn a_request_that_never_comes_to_its_end_does_not_keep_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = Program::start(&folder.path().join("data"), &[]);
    let _stream = unfinished(&program).await;
    program.terminate();
    assert!(program.ended().await, "in order: {}", program.log());
    assert!(program.log().contains("some requests did not end in time"), "{}", program.log());
}

#[tokio::test]
async fn asked_a_second_time_it_ends_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = Program::start(&folder.path().join("data"), &[]);
    let _stream = unfinished(&program).await;
    program.terminate();
    eventually("it has heard the first", async || program.log().contains("ending: telling everybody")).await;
    program.terminate();
    assert!(!program.ended().await, "not in order");
    assert!(program.log().contains("asked a second time"), "{}", program.log());
}
