//! A TCP proxy that can cut what passes it.

use std::net::SocketAddr;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Where it leads, and whether it lets anybody through.
#[derive(Clone, Copy)]
struct Way {
    to: SocketAddr,
    is_open: bool,
    /// Who came through under another number is cut.
    number: u64,
}

pub(super) struct Proxy {
    pub(super) address: SocketAddr,
    way: watch::Sender<Way>,
}

impl Proxy {
    pub(super) async fn to(to: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (way, seen) = watch::channel(Way { to, is_open: true, number: 0 });
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let mut seen = seen.clone();
                tokio::spawn(async move {
                    let way = *seen.borrow();
                    if !way.is_open {
                        return;
                    }
                    let Ok(mut server) = TcpStream::connect(way.to).await else { return };
                    tokio::select! {
                        _ = copy_bidirectional(&mut client, &mut server) => {}
                        _ = seen.wait_for(|now| now.number != way.number) => {}
                    }
                });
            }
        });
        Self { address, way }
    }

    /// Cuts every connection, and lets nobody through.
    pub(super) fn cut(&self) {
        self.way.send_modify(|way| (way.is_open, way.number) = (false, way.number + 1));
    }

    /// Lets nobody new through.
    pub(super) fn pause(&self) {
        self.way.send_modify(|way| way.is_open = false);
    }

    pub(super) fn open(&self) {
        self.way.send_modify(|way| way.is_open = true);
    }

    pub(super) fn lead_to(&self, to: SocketAddr) {
        self.way.send_modify(|way| way.to = to);
    }
}
