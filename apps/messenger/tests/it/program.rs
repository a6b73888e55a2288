//! The real program: its door, its log, its backups.

use crate::support::{Client, Program, eventually, http, run};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

const CERTIFICATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/fixtures/tls.cert.pem");
const KEY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/fixtures/tls.key.pem");
const PUBLIC: &str = "https://chat.example.org";

/// The key of the fixtures in a file of this mode.
fn key(folder: &Path, mode: u32) -> String {
    use std::os::unix::fs::PermissionsExt;
    let path = folder.join("key.pem");
    std::fs::copy(KEY, &path).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    path.to_str().unwrap().to_owned()
}

async fn tls(program: &Program) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(CERTIFICATE).unwrap()).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let stream = TcpStream::connect(program.address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
}

#[tokio::test]
async fn behind_tls_people_sign_in_with_secure_cookies_and_connect_and_plain_text_is_not_understood() {
    use futures_util::{SinkExt, StreamExt};
    use tokio_tungstenite::tungstenite::Message;
    let folder = tempfile::tempdir().unwrap();
    let key = key(folder.path(), 0o600);
    // An address that other machines reach: TLS is what allows it.
    let options =
        ["--listen", "0.0.0.0:0", "--tls-cert", CERTIFICATE, "--tls-key", &key, "--public-url", PUBLIC];
    let program = Program::start(&folder.path().join("data"), &options);
    let origin = [("Origin", PUBLIC)];
    let up = json!({ "name": "ada", "password": "correct horse" });
    let answer =
        http::over(tls(&program).await, program.address, "POST", "/api/sign-up", None, Some(&up), &origin)
            .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.head.contains("set-cookie: __Host-session="), "{}", answer.head);
    assert!(answer.head.contains("; HttpOnly; SameSite=Strict; Secure"), "{}", answer.head);
    let (cookie, none) = (answer.cookie.unwrap(), json!({}));
    let token = http::over(
        tls(&program).await,
        program.address,
        "POST",
        "/api/token",
        Some(&cookie),
        Some(&none),
        &origin,
    )
    .await
    .body["token"]
        .clone();

    let mut request =
        format!("wss://{}/connection/websocket", program.address).into_client_request().unwrap();
    request.headers_mut().insert("Origin", PUBLIC.parse().unwrap());
    let (mut socket, _) = tokio_tungstenite::client_async(request, tls(&program).await).await.unwrap();
    socket.send(Message::text(json!({ "id": 1, "connect": { "token": token } }).to_string())).await.unwrap();
    let answer = socket.next().await.unwrap().unwrap();
    assert!(answer.to_text().unwrap().contains("\"connect\":"), "{answer:?}");

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut plain = TcpStream::connect(program.address).await.unwrap();
    plain.write_all(b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut read = Vec::new();
    let _ = plain.read_to_end(&mut read).await;
    assert!(!read.starts_with(b"HTTP"), "{}", String::from_utf8_lossy(&read));
}

#[test]
fn it_does_not_start_where_others_could_listen_in_or_read_the_key() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let data = data.to_str().unwrap();
    let key = key(folder.path(), 0o644);
    for (options, words) in [
        (&["--listen", "0.0.0.0:0"][..], "can be reached from other machines"),
        (&["--listen", "[::]:0", "--public-url", PUBLIC], "can be reached from other machines"),
        (&["--listen", "0.0.0.0:0", "--behind-proxy"], "--public-url"),
        (&["--tls-cert", CERTIFICATE], "--tls-key"),
        (
            &["--tls-cert", CERTIFICATE, "--tls-key", &key, "--public-url", PUBLIC],
            "everybody may read the key",
        ),
        (&["--tls-cert", CERTIFICATE, "--tls-key", &key, "--public-url", "http://x.example"], "https://"),
        (&["--metrics-listen", "0.0.0.0:9090"], "metrics are for this one"),
    ] {
        let ended = run(&[&["--data", data], options].concat());
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(!ended.status.success() && said.contains(words), "{options:?}: {said}");
    }
    assert!(!Path::new(data).exists(), "nothing was made");
}

/// How many attempts to sign in pass, when each says that it comes from another place.
async fn attempts(program: &Program, from: impl Fn(u8) -> String) -> usize {
    let mut passed = 0;
    // A name that cannot be one costs nothing to refuse; it counts all the same.
    let attempt = json!({ "name": "x".repeat(300), "password": "wrong" });
    for number in 0..60 {
        let from = from(number);
        let headers = [("X-Forwarded-For", &*from), ("Origin", PUBLIC)];
        passed += usize::from(program.post("/api/sign-in", attempt.clone(), &headers).await.status == 401);
    }
    passed
}

#[tokio::test]
async fn what_a_header_says_of_where_one_comes_from_counts_only_behind_a_proxy() {
    let folder = tempfile::tempdir().unwrap();
    let alone = Program::start(&folder.path().join("alone"), &["--public-url", PUBLIC]);
    let passed = attempts(&alone, |number| format!("10.0.0.{number}")).await;
    assert!(passed < 40, "all are one address: {passed}");
    let proxied = Program::start(&folder.path().join("proxied"), &["--behind-proxy", "--public-url", PUBLIC]);
    assert_eq!(attempts(&proxied, |number| format!("10.0.0.{number}")).await, 60, "each has its own limit");
    let passed = attempts(&proxied, |number| format!("10.9.9.{number}, 10.1.1.1")).await;
    assert!(passed < 40, "what stands before the proxy's own word is anybody's: {passed}");
}

/// Sends under its client id until it is answered.
async fn ticked(client: &mut Client, room: &str, text: &str) {
    let sent = client.send_text(room, text, text).await;
    assert!(sent["offset"].is_u64(), "{sent}");
}

fn texts(page: &Value) -> Vec<String> {
    let messages = page["messages"].as_array().unwrap().iter();
    messages.map(|message| message["text"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_taken_while_people_write_restores_to_a_program_with_every_message_ticked_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (data, backup, restored) = (at("data"), at("backup"), at("restored"));
    let program = Program::start(Path::new(&data), &[]);
    let mut ada = program.person("ada").await.connect().await;
    let room = ada.rpc("room.create", json!({ "name": "talk", "is_public": true })).await.unwrap();
    let room = room["id"].as_str().unwrap().to_owned();
    let (mut all, mut before, mut backing_up) = (Vec::new(), 0, None);
    for number in 0..50 {
        if number == 20 {
            before = all.len();
            let (data, backup) = (data.clone(), backup.clone());
            backing_up =
                Some(tokio::task::spawn_blocking(move || run(&["backup", &backup, "--data", &data])));
        }
        let text = format!("text {number}");
        ticked(&mut ada, &room, &text).await;
        all.push(text);
    }
    let ended = backing_up.unwrap().await.unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    program.kill();
    let ended = run(&["restore", &backup, "--data", &restored]);
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    let again = run(&["restore", &backup, "--data", &restored]);
    assert!(!again.status.success(), "a folder with something in it is left alone");

    let program = Program::start(Path::new(&restored), &[]);
    let mut ada = program.again("ada").await.connect().await;
    let page = ada.rpc("messages", json!({ "room": room, "limit": 100 })).await.unwrap();
    let found = texts(&page);
    assert!(found.len() >= before, "{} of {before} that were ticked before", found.len());
    assert_eq!(found[..], all[..found.len()], "and of what came while it was taken, up to some point");
    let history = ada.rpc("history", json!({ "room": room, "limit": 100 })).await.unwrap();
    assert_eq!(history["events"].as_array().unwrap().len(), found.len() + 1, "the journal has the same");
    ticked(&mut ada, &room, "and it goes on").await;
    private(Path::new(&restored));
    private(Path::new(&backup));
}

/// Folders are their owner's alone, and every file with a secret in it too.
fn private(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for path in [folder.to_owned(), folder.join("journal")] {
        assert_eq!(mode(&path), 0o700, "{}", path.display());
    }
    for name in ["secret", "messenger.db"] {
        assert_eq!(mode(&folder.join(name)), 0o600, "{name} in {}", folder.display());
    }
}

#[tokio::test]
async fn a_direct_message_is_in_no_line_of_the_log_however_much_is_logged_nor_in_the_metrics() {
    const SECRET: &str = "zebrasecret";
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let metrics = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let program = Program::start(&data, &["--log", "trace", "--metrics-listen", &metrics.to_string()]);
    private(&data);
    let admin = program.admin().await;
    let (mut ada, bob) = (program.person("ada").await.connect().await, program.person("bob").await);
    let mut bob = bob.connect().await;
    let direct = ada.rpc("dm.open", json!({ "person": bob.person.id })).await.unwrap()["id"].clone();
    let direct = direct.as_str().unwrap();
    bob.subscribe(&format!("dm:{direct}")).await.unwrap();
    let message = ada.send_text(direct, "1", &format!("{SECRET} @bob https://{SECRET}.example")).await;
    let message = message["message"].as_str().unwrap();
    bob.publication(&format!("dm:{direct}")).await;
    let edit = json!({ "room": direct, "message": message, "text": format!("{SECRET} again") });
    ada.rpc("message.edit", edit).await.unwrap();
    bob.rpc("reaction.add", json!({ "room": direct, "message": message, "emoji": "👍" })).await.unwrap();
    assert_eq!(
        bob.rpc("message.edit", json!({ "room": direct, "message": message, "text": SECRET })).await,
        Err(403)
    );
    assert_eq!(
        texts(&bob.rpc("messages", json!({ "room": direct })).await.unwrap()),
        [format!("{SECRET} again")]
    );
    bob.rpc("search", json!({ "text": SECRET })).await.unwrap();
    ada.rpc("message.delete", json!({ "room": direct, "message": message })).await.unwrap();
    let room =
        ada.rpc("room.create", json!({ "name": "open", "is_public": true })).await.unwrap()["id"].clone();
    eventually("the log has come as far as a room that was made after it", async || {
        program.log().contains(room.as_str().unwrap())
    })
    .await;
    let page = http::call(metrics, "GET", "/metrics", None, None, &[]).await;
    assert_eq!(page.status, 200);
    let scraped = http::text(metrics, "/metrics").await;
    assert!(scraped.contains("dm.conversation.message_sent") || scraped.contains("fanfare"), "{scraped}");
    let flow = admin.get("/api/flow/events?after=0").await.body.to_string();
    assert!(flow.contains("dm.conversation.message_sent"), "type and count are shown");
    let log = program.log();
    assert!(log.contains("TRACE") || log.contains("DEBUG"), "much is logged");
    for (place, text) in [("the log", &log), ("metrics", &scraped), ("flow", &flow)] {
        for hidden in [SECRET, direct, message] {
            let line = text.lines().find(|line| line.contains(hidden));
            assert!(line.is_none(), "{place} shows {hidden}: {}", line.unwrap_or_default());
        }
    }
}

#[tokio::test]
async fn the_demonstration_has_people_and_rooms_that_talk_also_when_it_is_started_again() {
    let folder = tempfile::tempdir().unwrap();
    for start in 0..2 {
        let program = Program::start(folder.path(), &["--demo"]);
        let mut ada = program.enter("/api/sign-in", "ada", "demonstration").await.connect().await;
        let rooms = ada.rpc("sync", json!({})).await.unwrap()["rooms"].clone();
        let lobby = rooms.as_array().unwrap().iter().find(|room| room["name"] == "Lobby").unwrap().clone();
        assert_eq!(rooms.as_array().unwrap().len(), 3, "a lobby, an engine room, a conversation");
        ada.subscribe(lobby["channel"].as_str().unwrap()).await.unwrap();
        let (_, said) = ada.publication(lobby["channel"].as_str().unwrap()).await;
        assert!(said["text"].is_string(), "start {start}: {said}");
    }
}
