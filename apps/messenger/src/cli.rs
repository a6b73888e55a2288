//! What can be said on the command line.

use clap::{Parser, ValueEnum};
use std::net::SocketAddr;
use std::path::PathBuf;

/// A messenger that keeps every message: the tick beside one means that it is on the disk.
///
/// Start it, open the address that it prints in two windows, and write. Everything is in one folder; end it with Ctrl-C
/// (or SIGTERM) and start it again, and the conversation goes on where it was.
#[derive(Debug, Parser)]
#[command(name = "messenger", version, verbatim_doc_comment)]
pub(crate) struct Options {
    /// Address and port to serve on. Only addresses of this machine itself (127.0.0.0/8 or ::1) are accepted, since
    /// people sign in with nothing but a name. Port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", env = "MESSENGER_LISTEN", default_value = "127.0.0.1:8080", value_parser = loopback)]
    pub(crate) listen: SocketAddr,

    /// Folder for the journal and the secret that signs tokens. Created if missing, readable by its owner only. One
    /// messenger at a time can have it
    #[arg(long, value_name = "FOLDER", env = "MESSENGER_DATA", default_value = "data/messenger")]
    pub(crate) data: PathBuf,

    /// How log lines are written
    #[arg(long, value_enum, value_name = "FORMAT", env = "MESSENGER_LOG_FORMAT", default_value_t = LogFormat::Text)]
    pub(crate) log_format: LogFormat,

    /// What is logged: a level (error, warn, info, debug, trace), or levels by module as in `info,fanfare_gateway=debug`
    #[arg(long, value_name = "FILTER", env = "MESSENGER_LOG", default_value = "info")]
    pub(crate) log: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people
    Text,
    /// One object per line, for machines
    Json,
}

fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text
        .parse()
        .map_err(|_| "expected an address and a port, as in 127.0.0.1:8080 or [::1]:8080".to_owned())?;
    if address.ip().is_loopback() {
        return Ok(address);
    }
    Err(format!(
        "{} can be reached from other machines, and people sign in here with nothing but a name, over plain HTTP: \
         whoever reaches the port could read and write everything. Listen on 127.0.0.1:{} instead",
        address.ip(),
        address.port()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machines_own_addresses_are_taken_and_the_refusal_says_why() {
        for own in ["127.0.0.1:80", "127.8.0.1:0", "[::1]:8080"] {
            assert!(loopback(own).is_ok(), "{own}");
        }
        for other in ["0.0.0.0:8080", "[::]:8080", "192.168.0.7:8080"] {
            assert!(loopback(other).unwrap_err().contains("nothing but a name"), "{other}");
        }
        assert!(loopback("localhost").unwrap_err().contains("as in"));
    }
}
