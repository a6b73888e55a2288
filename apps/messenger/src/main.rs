//! A messenger on Fanfare: one program with its broker, its workers, its gateway and its page inside.
//!
//! ```text
//! browser --rpc "send"--> gateway --publish, durable--> broker --tail--> gateway --push--> every browser in the room
//!                                                          \--groups--> workers: the log, mentions
//! ```

#![allow(clippy::disallowed_methods, reason = "a program may read the clock")]

mod cli;
mod data;
mod events;
mod logging;
mod people;
mod rooms;
mod server;
mod web;
mod workers;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let options = cli::Options::parse();
    logging::start(&options);
    let done = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(server::run(&options)));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("messenger: {error:#}");
            ExitCode::FAILURE
        }
    }
}
