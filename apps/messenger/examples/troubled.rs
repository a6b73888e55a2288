//! A messenger with one worker more, which breaks over every message until somebody mends it: for looking at dead letters,
//! and for the tests of the page.
//!
//! ```console
//! $ cargo run -p messenger --example troubled -- --data FOLDER
//! $ touch FOLDER/mended
//! ```

#![allow(clippy::disallowed_methods, reason = "a program reads its arguments and the machine's clock")]

use anyhow::{Context, Result};
use fanfare::{HandlerExt, Retry, State};
use fanfare_gateway::door::Door;
use messenger::events::room::MessageSent;
use messenger::messenger::{Config, Messenger};
use messenger::web::{Reach, own_origins, page};
use std::path::PathBuf;
use std::time::Duration;
use tokio::net::TcpListener;

/// The file whose being there mends the worker.
#[derive(Clone)]
struct Mended(PathBuf);

async fn print_message(_: MessageSent, State(mended): State<Mended>) -> Result<(), String> {
    if mended.0.exists() { Ok(()) } else { Err("the printer is on fire".into()) }
}

#[tokio::main]
async fn main() -> Result<()> {
    let data = std::env::args().skip_while(|argument| argument != "--data").nth(1);
    let data = PathBuf::from(data.context("say where: --data FOLDER")?);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let reach = Reach {
        origins: own_origins("http", address),
        is_secure: false,
        is_behind_proxy: false,
        cookie: format!("messenger-{}", address.port()),
    };
    let mended = Mended(data.join("mended"));
    let at_once = Retry::fixed(Duration::from_millis(50)).attempts_max(3);
    let messenger = Messenger::start_with(Config::new(&data, reach), |app| {
        app.state(mended).on(print_message.retry(at_once))
    })
    .await?;
    println!("The messenger is at http://{address}/");
    if let Some(password) = messenger.first_password() {
        println!("Sign in as admin with the one-time password {password}");
    }
    println!("Open it, and write something.");
    Door::new(listener, None)?.serve(messenger.router(page()), std::future::pending()).await;
    Ok(())
}
