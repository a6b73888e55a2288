//! A key set behind an HTTP address, as an issuer shows it, and its keys as they change. The issuer is `openssl`.

use crate::support::{Client, Server, open, serve, unix_now};
use axum::Router;
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fanfare_gateway::auth::Verifier;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A key pair in a folder.
struct Pair {
    kid: &'static str,
    algorithm: &'static str,
    file: PathBuf,
}

fn openssl(arguments: &[&str]) -> Vec<u8> {
    let done = Command::new("openssl").args(arguments).output().expect("openssl is installed");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    done.stdout
}

fn base64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Pair {
    fn new(folder: &Path, kid: &'static str, algorithm: &'static str) -> Self {
        let file = folder.join(kid);
        let out = file.to_str().unwrap();
        match algorithm {
            "RS256" => {
                openssl(&["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", out])
            }
            _ => openssl(&["genpkey", "-algorithm", "ED25519", "-out", out]),
        };
        Self { kid, algorithm, file }
    }

    fn public(&self) -> Value {
        let file = self.file.to_str().unwrap();
        let (kid, alg) = (self.kid, self.algorithm);
        let public = openssl(&["pkey", "-in", file, "-pubout", "-outform", "DER"]);
        if alg == "RS256" {
            // The modulus is the longest integer of the structure, the exponent 65,537 ends it.
            let end = public.len() - 5;
            let modulus = base64(&public[end - 256..end]);
            assert_eq!(public[end..], [2, 3, 1, 0, 1]);
            json!({ "kty": "RSA", "use": "sig", "alg": alg, "kid": kid, "n": modulus, "e": "AQAB" })
        } else {
            let point = base64(&public[public.len() - 32..]);
            json!({ "kty": "OKP", "use": "sig", "alg": alg, "kid": kid, "crv": "Ed25519", "x": point })
        }
    }

    fn token(&self, user: &str) -> String {
        let head = json!({ "alg": self.algorithm, "kid": self.kid }).to_string();
        let claims = json!({ "sub": user, "aud": "test", "exp": unix_now() + 3_600 }).to_string();
        let signed = format!("{}.{}", base64(head.as_bytes()), base64(claims.as_bytes()));
        let input = self.file.with_extension("signed");
        std::fs::write(&input, &signed).unwrap();
        let (key, input) = (self.file.to_str().unwrap(), input.to_str().unwrap());
        let signature = match self.algorithm {
            "RS256" => openssl(&["dgst", "-sha256", "-sign", key, input]),
            _ => openssl(&["pkeyutl", "-sign", "-rawin", "-inkey", key, "-in", input]),
        };
        format!("{signed}.{}", base64(&signature))
    }
}

/// What is at an address, as a program would fetch it.
async fn fetch(address: SocketAddr) -> Vec<u8> {
    let mut socket = TcpStream::connect(address).await.unwrap();
    let request = format!("GET /jwks.json HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    body.as_bytes().to_vec()
}

/// Tries a token, and returns the client that was let in.
async fn connect(server: &Server, token: &str) -> Option<Client> {
    let mut client = server.client().await;
    client.send(&format!(r#"{{"id":1,"connect":{{"token":"{token}"}}}}"#)).await;
    match client.answer_or_close().await {
        None => Some(client),
        Some(3500) => None,
        Some(other) => panic!("closed with {other}"),
    }
}

#[tokio::test]
async fn keys_of_a_set_that_is_fetched_count_in_a_running_gateway_while_they_are_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (Pair::new(folder.path(), "2025", "RS256"), Pair::new(folder.path(), "2026", "EdDSA"));
    let set = Arc::new(Mutex::new(json!({ "keys": [old.public()] })));
    let served = Arc::clone(&set);
    let route = get(async move || served.lock().unwrap().to_string());
    let issuer = serve(Router::new().route("/jwks.json", route)).await;
    let verifier = Verifier::jwks(&fetch(issuer).await, "test").unwrap();
    let of_the_gateway = verifier.clone();
    let server = Server::with(open(), |builder| builder.tokens(of_the_gateway)).await;
    let tokens = [old.token("ann"), new.token("ann")];
    let mut connected = Vec::new();
    for (keys, expected) in [
        (vec![old.public()], [true, false]),
        (vec![new.public(), old.public()], [true, true]),
        (vec![new.public()], [false, true]),
    ] {
        *set.lock().unwrap() = json!({ "keys": keys });
        verifier.replace_keys(Verifier::jwks(&fetch(issuer).await, "another audience").unwrap());
        let clients = [connect(&server, &tokens[0]).await, connect(&server, &tokens[1]).await];
        assert_eq!(clients.each_ref().map(Option::is_some), expected, "{keys:?}");
        connected.extend(clients.into_iter().flatten());
    }
    // Who is connected stays, whatever became of the key.
    for client in &mut connected {
        let answer = client.call(r#"{"id":2,"rpc":{"method":"echo","data":1}}"#).await;
        assert_eq!(answer["rpc"]["data"], 1, "{answer}");
    }
}
