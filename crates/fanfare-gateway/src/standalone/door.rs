//! Connections as they come, plain or behind TLS with the handshake done.

use super::config::Tls;
use anyhow::{Context, Result, bail};
use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, version};
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;

/// Where clients come in.
pub(super) struct Door {
    address: SocketAddr,
    kind: Kind,
}

enum Kind {
    Plain(TcpListener),
    /// Handshakes run beside each other: one that stalls holds up nobody else. They end with the door.
    Tls(
        mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
        #[allow(dead_code, reason = "its drop ends the task")] JoinSet<()>,
    ),
}

/// Handshakes at a time.
const HANDSHAKES_MAX: usize = 256;
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

impl Door {
    /// # Errors
    /// When the socket has no address.
    pub(super) fn new(listener: TcpListener, tls: Option<TlsAcceptor>) -> io::Result<Self> {
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

/// The peer's address as the program's services take it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) SocketAddr);

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

/// What answers TLS with this certificate chain and key, both PEM.
///
/// # Errors
/// When a file cannot be read, others may read the key, or the two do not belong together.
pub(super) fn acceptor(files: &Tls) -> Result<TlsAcceptor> {
    let (certificate, key) = (&files.certificate, &files.key);
    let say = |what: &str, path: &std::path::Path| format!("failed to read the {what} {}", path.display());
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .with_context(|| say("certificate", certificate))?;
    if chain.is_empty() {
        bail!("{} holds no certificate; it should be a PEM file", certificate.display());
    }
    let mode = std::fs::metadata(key).with_context(|| say("key", key))?.permissions().mode();
    if mode & 0o007 != 0 {
        bail!("everybody may read the key {}; take that away: chmod o-rwx {}", key.display(), key.display());
    }
    let key = PrivateKeyDer::from_pem_file(key).with_context(|| say("key", key))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&version::TLS13, &version::TLS12])?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .context("the certificate and the key do not belong together")?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
