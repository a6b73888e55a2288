//! Limits and times of a gateway.

use std::time::Duration;

/// Limits and times. Every limit is for one connection unless it says otherwise.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// The longest message a client may send, in bytes; a longer one closes the connection with 1009. 65,536.
    pub message_bytes_max: usize,
    /// How long a connection may take until its connect command succeeded; then 3502. 10 s.
    pub connect_timeout: Duration,
    /// How often the server pings. 25 s.
    pub ping_interval: Duration,
    /// How long the client may take to answer a ping; then 3012. 8 s, and less than the interval.
    pub pong_timeout: Duration,
    /// How long past its expiry a connection or a subscription may still be refreshed. 25 s.
    pub expiry_grace: Duration,
    /// Channels; more are refused with 106. 128.
    pub channels_max: usize,
    /// The longest channel name, in bytes; longer ones are refused with 107. 255.
    pub channel_name_max: usize,
    /// RPCs, publishes and history reads that are being worked on; more are refused with 111. So many sends as well: then no
    /// more is read from the connection until one is done. 32.
    pub calls_in_flight_max: usize,
    /// Bytes of publications that wait to be sent; over it the connection is closed as slow, with 3008. 1 MiB.
    pub queued_bytes_max: usize,
    /// The most publications that one history call returns, or that a recovery brings; a client that missed more is told
    /// so and gets none. 300.
    pub publications_max: usize,
    /// The most bytes of publications that one history call returns (one publication at least), or that a recovery brings. A
    /// history that is cut short ends before the newest offset, which stands beside it. 2 MiB.
    pub publications_bytes_max: usize,
    /// Connections in all; who comes then is refused with HTTP 503. 50,000.
    pub connections_max: usize,
    /// Connections of one user; one more is closed with 3504. 128.
    pub connections_per_user_max: usize,
    /// Connections from one address, of IPv6 from one network of 64 bits; one more is refused with HTTP 429. It counts where the program tells axum the peer's
    /// address (`into_make_service_with_connect_info::<SocketAddr>()`), or says by a [`crate::ClientAddress`] among the
    /// request's extensions who it really is, behind a proxy for instance. 4,096.
    pub connections_per_address_max: usize,
    /// Who comes and goes within this time is told in one frame. 200 ms.
    pub join_leave_every: Duration,
    /// How much later a leave is told than a join: who comes back within it does not flicker. 1 s.
    pub leave_grace: Duration,
    /// How many members of a channel are told who comes and goes. Where more would be, nobody is: telling n people of n joins
    /// costs the square of n. Members of such a channel ask for presence, or how many are there. 500.
    pub join_leave_members_max: usize,
    /// Connections that a drain closes each second, so that they do not come back all at once. 1,000.
    pub drain_per_second: u32,
    /// How often a connection may ask for things. Unlimited.
    pub rates: Rates,
    /// How long a closing connection may take to answer the close frame. 5 s.
    pub close_timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            message_bytes_max: 65_536,
            connect_timeout: Duration::from_secs(10),
            ping_interval: Duration::from_secs(25),
            pong_timeout: Duration::from_secs(8),
            expiry_grace: Duration::from_secs(25),
            channels_max: 128,
            channel_name_max: 255,
            calls_in_flight_max: 32,
            queued_bytes_max: 1 << 20,
            publications_max: 300,
            publications_bytes_max: 2 << 20,
            connections_max: 50_000,
            connections_per_user_max: 128,
            connections_per_address_max: 4_096,
            join_leave_every: Duration::from_millis(200),
            leave_grace: Duration::from_secs(1),
            join_leave_members_max: 500,
            drain_per_second: 1_000,
            rates: Rates::default(),
            close_timeout: Duration::from_secs(5),
        }
    }
}

/// How often one connection may ask for each kind of thing; `None` is unlimited. What is over is answered with 111; a `send`,
/// which has no answer, closes the connection with 3013.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rates {
    /// Subscribing.
    pub subscribe: Option<Rate>,
    /// Publishing into a channel.
    pub publish: Option<Rate>,
    /// Calling a handler.
    pub rpc: Option<Rate>,
    /// Sending without an answer.
    pub send: Option<Rate>,
    /// Reading history.
    pub history: Option<Rate>,
    /// Reading presence.
    pub presence: Option<Rate>,
}

/// So many at once, and so many a second from then on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rate {
    /// In the long run.
    pub per_second_max: u32,
    /// At once, after a quiet time.
    pub burst_max: u32,
}

impl Rate {
    /// This many a second, and this many at once.
    #[must_use]
    pub fn new(per_second_max: u32, burst_max: u32) -> Self {
        Self { per_second_max, burst_max }
    }
}
