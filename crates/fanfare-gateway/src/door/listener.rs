use super::body::{Late, Timed};
use super::places::{Place, Places};
use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::response::Response;
use axum::serve::Listener;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// Where clients come in: a socket, plain or behind TLS, and the routes that it serves over HTTP/1.1.
///
/// Whoever says nothing, or little at a time, takes little from others. A handshake may take 10 seconds, the head of a request 15
/// (also the next one, on a connection that is kept) and its body [30](Self::body_timeout); 2 when more than half of the places
/// are taken. Whose body comes too late is answered with 408. There are places for half of the files that
/// the process may have open, 16,384 at most, and for a quarter, 1,024 at most, for each address (of IPv6: for each
/// network of 64 bits); who comes beyond its address's share is cut. A connection that becomes a WebSocket gives its place
/// back: from then on the gateway's own limits count it.
pub struct Door {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<TlsAcceptor>,
    places: Places,
    pub(super) patience: Patience,
}

/// How long the door waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// For a handshake.
    pub(super) handshake: Duration,
    /// For a request's head.
    pub(super) head: Duration,
    /// For its body.
    pub(super) body: Duration,
    /// For each of them, when places are scarce.
    pub(super) scarce: Duration,
}

/// The longest head of a request, in bytes.
const HEAD_BYTES_MAX: usize = 64 * 1024;

impl Door {
    /// How long a body may take, unless [`body_timeout`](Self::body_timeout) says otherwise.
    pub const BODY_TIMEOUT: Duration = Duration::from_secs(30);

    /// A door on this socket, with what [`tls`](super::tls) made behind TLS.
    ///
    /// # Errors
    /// When the socket has no address.
    pub fn new(listener: TcpListener, tls: Option<TlsAcceptor>) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let patience = Patience {
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(15),
            body: Self::BODY_TIMEOUT,
            scarce: Duration::from_secs(2),
        };
        Ok(Self { listener, address, tls, places: Places::of_this_process(), patience })
    }

    /// How many places an address has: all of them where everybody comes from one address, a proxy's.
    #[must_use]
    pub fn per_address_max(self, max: usize) -> Self {
        Self { places: self.places.per_address(max), ..self }
    }

    /// How long the body of a request may take, from when it is read: all of it, however much comes at a time. 30 s.
    #[must_use]
    pub fn body_timeout(mut self, timeout: Duration) -> Self {
        self.patience.body = timeout;
        self
    }

    #[cfg(test)]
    pub(super) fn places(self, places: Places) -> Self {
        Self { places, ..self }
    }

    /// Serves these routes until `until` completes, and then until what is being answered is. The routes learn where a request
    /// comes from by an `axum::extract::ConnectInfo<Peer>`.
    ///
    /// # Cancel safety
    /// Dropping it ends the door and cuts what is being answered; WebSockets go on.
    pub async fn serve(mut self, routes: Router, until: impl Future<Output = ()>) {
        let (ending, mut talking) = (watch::Sender::new(false), JoinSet::new());
        let mut until = pin!(until);
        loop {
            let next = async {
                let (stream, peer) = Listener::accept(&mut self.listener).await;
                match self.places.share(peer.ip()) {
                    Some(share) => Some((stream, peer, self.places.take(share).await?)),
                    None => {
                        tracing::debug!(%peer, "refused: too many connections from this address");
                        None
                    }
                }
            };
            let next = tokio::select! {
                next = next => next,
                () = &mut until => break,
            };
            let Some((stream, peer, place)) = next else { continue };
            while talking.try_join_next().is_some() {}
            let patience = self.patience.now(self.places.are_scarce());
            let answers = Answers {
                routes: TowerToHyperService::new(routes.clone()),
                peer: Peer(peer),
                body: patience.body,
            };
            talking.spawn(welcome(stream, self.tls.clone(), patience, answers, ending.subscribe(), place));
        }
        drop(self.listener);
        ending.send_replace(true);
        while talking.join_next().await.is_some() {}
    }
}

/// The address of the other end.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

impl Patience {
    fn now(self, are_places_scarce: bool) -> Self {
        let Self { handshake, head, body, scarce } = self;
        if are_places_scarce {
            Self { handshake: handshake.min(scarce), head: head.min(scarce), body: body.min(scarce), scarce }
        } else {
            self
        }
    }
}

async fn welcome(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    patience: Patience,
    answers: Answers,
    ending: watch::Receiver<bool>,
    place: Place,
) {
    let _ = stream.set_nodelay(true);
    match tls {
        None => converse(stream, patience, answers, ending).await,
        Some(tls) => {
            if let Ok(Ok(stream)) = tokio::time::timeout(patience.handshake, tls.accept(stream)).await {
                converse(stream, patience, answers, ending).await;
            }
        }
    }
    drop(place);
}

/// Answers requests until there are no more, or one of them became a WebSocket.
async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    patience: Patience,
    answers: Answers,
    mut ending: watch::Receiver<bool>,
) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience.head)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), answers)
        .with_upgrades();
    let mut connection = pin!(connection);
    let told_to_end = async {
        let _ = ending.wait_for(|ending| *ending).await;
    };
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = told_to_end => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended");
    }
}

/// The routes, for one connection.
#[derive(Clone)]
struct Answers {
    routes: TowerToHyperService<Router>,
    peer: Peer,
    body: Duration,
}

impl Service<Request<Incoming>> for Answers {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(ConnectInfo(self.peer));
        let is_late = Late::default();
        let answer = self.routes.call(request.map(|body| Timed::new(body, self.body, is_late.clone())));
        Box::pin(async move { answer.await.map(|response| is_late.answer(response)) })
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, tls, places, .. } = self;
        f.debug_struct("Door")
            .field("address", address)
            .field("is_tls", &tls.is_some())
            .field("places", places)
            .finish_non_exhaustive()
    }
}
