//! Everything put together, but for the door to the network.

use crate::accounts::{Accounts, Cost, SignUp};
use crate::chat::{self, Chat, Journal, Outside, Rooms};
use crate::data::Folder;
use crate::db::Db;
use crate::flow::Flow;
use crate::model::Model;
use crate::web::{Reach, Web, security_headers};
use crate::workers;
use anyhow::{Context, Result};
use axum::{Router, middleware};
use fanfare::{App, HandlerExt, Publisher, Retry, Running};
use fanfare_core::Transport;
use fanfare_gateway::auth::{TokenIssuer, Verifier};
use fanfare_gateway::{Gateway, Settings};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// What a messenger is made with.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Its data folder.
    pub data: PathBuf,
    /// Where the journal is kept; in the data folder by default.
    pub transport: Option<String>,
    /// Who may sign up.
    pub sign_up: SignUp,
    /// What a password's hash costs.
    pub cost: Cost,
    /// The first administrator's name.
    pub admin: String,
    /// How it is reached.
    pub reach: Reach,
    /// Where metrics are served.
    pub metrics_listen: Option<SocketAddr>,
}

/// A messenger that runs.
#[derive(Debug)]
pub struct Messenger {
    running: Running,
    gateway: Gateway,
    web: Web,
    /// What runs beside it; ends with it.
    tasks: JoinSet<()>,
    first_password: Option<String>,
}

/// The audience of connections' tokens.
const CONNECTION: &str = "messenger/connection";
/// Channels of one connection: every room that one person can be in.
const CHANNELS_MAX: usize = 1_024;
/// The longest message of a client. After a reconnect it asks for all of its channels in one, with 150 bytes each.
const MESSAGE_BYTES_MAX: usize = 256 * 1024;
/// How long open connections may take to say goodbye.
const DRAIN: Duration = Duration::from_secs(5);

impl Config {
    /// A messenger in this folder, reached like this.
    #[must_use]
    pub fn new(data: impl Into<PathBuf>, reach: Reach) -> Self {
        Self {
            data: data.into(),
            transport: None,
            sign_up: SignUp::Open,
            cost: Cost::Standard,
            admin: "admin".into(),
            reach,
            metrics_listen: None,
        }
    }
}

impl Messenger {
    /// Starts it: when this returns, the read model has everything that the journal has.
    ///
    /// # Errors
    /// When the folder, the journal or the database cannot be used.
    pub async fn start(config: Config) -> Result<Self> {
        Self::start_with(config, |app| app).await
    }

    /// The same, with more than the messenger's own workers: whatever `extend` adds is a group of its own.
    ///
    /// # Errors
    /// When the folder, the journal or the database cannot be used, or what was added is not right.
    pub async fn start_with(config: Config, extend: impl FnOnce(App) -> App) -> Result<Self> {
        let folder = Folder::open(&config.data)?;
        let secret = folder.secret()?;
        let db = Db::open(folder.database())?;
        let accounts = Accounts::new(db.clone(), config.sign_up, config.cost);
        let (model, journal, outside, flow) =
            (Model::new(db), Journal::default(), Outside::default(), Flow::default());
        let chat = Chat::new(model.clone(), journal.clone(), outside.clone());

        let url = match config.transport {
            Some(url) => url,
            None => format!("file:{}", folder.make_journal()?.display()),
        };
        let app = App::new("messenger").role("workers").transport(url);
        let app = with_workers(app, &chat, &flow);
        let app = match config.metrics_listen {
            Some(address) => app.metrics_listen(address),
            None => app,
        };
        let running = extend(app).start().await.context("failed to start")?;
        let transport = Arc::clone(running.transport());
        let log = transport.log().context("the transport keeps no log")?;
        model.open(log).await.context("failed to bring the read model up to the journal")?;
        journal.opens(running.publisher().clone(), Arc::clone(&transport));

        let gateway = Gateway::builder(Arc::clone(&transport), Rooms::new(chat.clone(), accounts.clone()))
            .tokens(Verifier::hs256(&secret, CONNECTION)?)
            .settings(settings());
        let gateway = chat::register(gateway, &chat);
        let gateway = config
            .reach
            .origins
            .iter()
            .fold(gateway, |gateway, origin| gateway.allow_origin(origin))
            .build()?;
        outside.stands(gateway.clone());
        let first_password = accounts.first_admin(&config.admin).await?;

        let mut tasks = JoinSet::new();
        tasks.spawn(chat.watch_presence());
        tasks.spawn(follow(flow.clone(), Arc::clone(&transport)));
        let tokens = TokenIssuer::hs256(&secret, CONNECTION)?;
        let web = Web { accounts, chat, flow, transport, tokens, reach: Arc::new(config.reach) };
        Ok(Self { running, gateway, web, tasks, first_password })
    }

    /// Every route. `page` answers what no other does.
    pub fn router(&self, page: Router) -> Router {
        Router::new()
            .merge(self.gateway.health_router())
            .merge(self.web.tells_addresses(self.gateway.router()))
            .merge(self.web.clone().router())
            .fallback_service(page)
            .layer(middleware::from_fn(security_headers))
    }

    /// Fills it with people and rooms that talk, once per data folder.
    ///
    /// # Errors
    /// When they cannot be made.
    pub async fn demonstrate(&mut self) -> Result<()> {
        let talking = chat::demonstrate(&self.web.chat, &self.web.accounts).await;
        self.tasks
            .spawn(talking.map_err(|words| anyhow::anyhow!("failed to make the demonstration: {words}"))?);
        Ok(())
    }

    /// The first administrator's one-time password, if nobody administers yet.
    #[must_use]
    pub fn first_password(&self) -> Option<&str> {
        self.first_password.as_deref()
    }

    /// People.
    #[must_use]
    pub fn accounts(&self) -> &Accounts {
        &self.web.accounts
    }

    /// The chat.
    #[must_use]
    pub fn chat(&self) -> &Chat {
        &self.web.chat
    }

    /// Publishes events as the chat does. Nobody's rights are looked at.
    #[must_use]
    pub fn publisher(&self) -> &Publisher {
        self.running.publisher()
    }

    /// The journal.
    #[must_use]
    pub fn transport(&self) -> &Arc<dyn Transport> {
        self.running.transport()
    }

    /// Every figure as Prometheus text.
    pub async fn metrics(&self) -> String {
        self.running.metrics().await
    }

    /// Tells every connection to come back later, and waits a moment until they went.
    pub fn drain(&self) -> impl Future<Output = usize> + Send + use<> {
        let gateway = self.gateway.clone();
        async move { gateway.drain(DRAIN).await }
    }

    /// Completes when the journal has failed: nothing can be kept any more.
    pub fn failed(&self) -> impl Future<Output = ()> + Send + '_ {
        self.running.failed()
    }

    /// Ends it: handlers finish, the journal is flushed.
    ///
    /// # Errors
    /// When the journal failed.
    pub async fn end(mut self) -> Result<()> {
        self.tasks.shutdown().await;
        self.running.shutdown().await.context("failed to end cleanly")
    }
}

fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.channels_max = CHANNELS_MAX;
    settings.message_bytes_max = MESSAGE_BYTES_MAX;
    settings
}

/// The worker handlers, each a group of its own.
fn with_workers(app: App, chat: &Chat, flow: &Flow) -> App {
    // The read model stops at what it cannot apply and tries again for ever: passing by would be a wrong answer.
    let for_ever = Retry::exponential().attempts_max(u32::MAX).delay_max(Duration::from_secs(5));
    // No handler takes it by its type, and a filter below stands for it.
    app.event::<crate::events::direct::Started>()
        .state(chat.model().clone())
        .state(chat.clone())
        .state(flow.clone())
        .state(workers::Flood::default())
        .on(workers::project
            .in_order()
            .types("chat.room.>")
            .types("dm.conversation.>")
            .retry(for_ever)
            .ack_timeout(Duration::from_secs(3600)))
        .on(workers::log_event.types("chat.>"))
        .on(workers::analyse)
        .on(workers::notify_mentioned)
        .on(workers::notify_replied)
        .on(workers::notify_invited)
}

async fn follow(flow: Flow, transport: Arc<dyn Transport>) {
    if let Err(error) = flow.follow(&transport).await {
        tracing::error!(%error, "what passes is not recorded any more");
    }
}
