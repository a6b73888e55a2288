//! The messenger, in a process of its own: this program once more, told so by the environment.

use anyhow::{Context, Result};
use fanfare::App;
use fanfare_gateway::door::Door;
use messenger::accounts::Cost;
use messenger::events::room::MessageSent;
use messenger::messenger::{Config, Messenger};
use messenger::web::{Reach, own_origins, page};
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const FOLDER: &str = "MESSENGER_BENCH_FOLDER";
const TROUBLED: &str = "MESSENGER_BENCH_TROUBLED";
/// How long the sleepy worker takes over each message.
const SLEEP: Duration = Duration::from_millis(200);

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    child: Child,
}

impl Server {
    pub(crate) fn start(folder: &Path, is_troubled: bool) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.env(FOLDER, folder).stdout(Stdio::piped());
        if is_troubled {
            command.env(TROUBLED, "yes");
        }
        let mut child = command.spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("its output is read")?).read_line(&mut line)?;
        let address = line.trim().parse().with_context(|| format!("the messenger said {line:?}"))?;
        Ok(Self { address, child })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The folder, when this process is to be the messenger.
pub(crate) fn asked_for() -> Option<PathBuf> {
    std::env::var_os(FOLDER).map(PathBuf::from)
}

pub(crate) fn serve(folder: &Path) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        // People sign up from many addresses, as the proxy that they are behind says.
        let reach = Reach {
            origins: own_origins("http", address),
            is_secure: false,
            is_behind_proxy: true,
            cookie: "session".into(),
        };
        let mut config = Config::new(folder, reach);
        config.cost = Cost::Least;
        let messenger = Messenger::start_with(config, trouble).await?;
        println!("{address}");
        std::io::stdout().flush()?;
        Door::new(listener, None)?.serve(messenger.router(page()), std::future::pending()).await;
        Ok(())
    })
}

fn trouble(app: App) -> App {
    if std::env::var_os(TROUBLED).is_some() { app.on(fails).on(sleeps) } else { app }
}

async fn fails(_: MessageSent) -> Result<(), String> {
    Err("it always does".into())
}

async fn sleeps(_: MessageSent) {
    tokio::time::sleep(SLEEP).await;
}
