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
    /// RPCs, publishes and history reads that are being worked on; more are refused with 111. 32.
    pub calls_in_flight_max: usize,
    /// Bytes of publications that wait to be sent; over it the connection is closed as slow, with 3008. 1 MiB.
    pub queued_bytes_max: usize,
    /// The most publications that one history call returns, or that a recovery brings; a client that missed more is told
    /// so and gets none. 300.
    pub publications_max: usize,
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
            close_timeout: Duration::from_secs(5),
        }
    }
}
