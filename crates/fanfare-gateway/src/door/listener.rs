use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;

/// Where clients come in: what `axum::serve` takes connections from, plain or behind TLS with the handshake done.
///
/// At most 256 handshakes run beside each other, each for at most 10 seconds: one that stalls holds up nobody
/// else. They end with the door.
pub struct Door {
    address: SocketAddr,
    kind: Kind,
}

enum Kind {
    Plain(TcpListener),
    Tls(
        mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
        #[allow(dead_code, reason = "its drop ends the task")] JoinSet<()>,
    ),
}

/// Handshakes at a time.
const HANDSHAKES_MAX: usize = 256;
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

impl Door {
    /// A door on this socket, with what [`tls`](super::tls) made behind TLS.
    ///
    /// # Errors
    /// When the socket has no address.
    pub fn new(listener: TcpListener, tls: Option<TlsAcceptor>) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let kind = match tls {
            None => Kind::Plain(listener),
            Some(tls) => {
                let (finished, done) = mpsc::channel(HANDSHAKES_MAX);
                let mut task = JoinSet::new();
                task.spawn(shake_hands(listener, tls, finished));
                Kind::Tls(done, task)
            }
        };
        Ok(Self { address, kind })
    }
}

impl Listener for Door {
    type Io = Either<TcpStream, TlsStream<TcpStream>>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        match &mut self.kind {
            Kind::Plain(listener) => {
                let (stream, peer) = Listener::accept(listener).await;
                let _ = stream.set_nodelay(true);
                (Either::Left(stream), peer)
            }
            Kind::Tls(done, _) => match done.recv().await {
                Some((stream, peer)) => (Either::Right(stream), peer),
                // The task lives as long as this.
                None => std::future::pending().await,
            },
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

/// The address of the other end, for `into_make_service_with_connect_info::<Peer>()`.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

impl Connected<IncomingStream<'_, Door>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        Self(*stream.remote_addr())
    }
}

async fn shake_hands(
    mut listener: TcpListener,
    tls: TlsAcceptor,
    finished: mpsc::Sender<(TlsStream<TcpStream>, SocketAddr)>,
) {
    let places = Arc::new(Semaphore::new(HANDSHAKES_MAX));
    let mut shaking = JoinSet::new();
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        while shaking.try_join_next().is_some() {}
        let (stream, peer) = Listener::accept(&mut listener).await;
        let (tls, finished) = (tls.clone(), finished.clone());
        shaking.spawn(async move {
            let _ = stream.set_nodelay(true);
            if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE_TIMEOUT, tls.accept(stream)).await {
                let _ = finished.send((stream, peer)).await;
            }
            drop(place);
        });
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_tls = matches!(self.kind, Kind::Tls(..));
        f.debug_struct("Door").field("address", &self.address).field("is_tls", &is_tls).finish()
    }
}
