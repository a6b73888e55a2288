//! A messenger on Fanfare: one program with its broker, its workers, its gateway and its page inside.
//!
//! ```text
//! browser --rpc "message.send"--> gateway --publish, durable--> broker --tail--> gateway --push--> everybody in the room
//!                                                                   \--groups--> read model, log, analysis, notifications
//! ```

#![allow(clippy::disallowed_methods, reason = "a program may read the clock and the environment")]

mod cli;
mod logging;
mod run;

use cli::{Command, Options};
use messenger::backup;
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let options = Options::of_program();
    let done = match &options.command {
        Some(Command::Completions { shell }) => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut cli::command(), "messenger", &mut script);
            // Whoever reads it may have seen enough.
            let _ = std::io::stdout().write_all(&script);
            Ok(())
        }
        Some(Command::Backup { to }) => backup::backup(&options.data, to).map(|report| println!("{report}")),
        Some(Command::Restore { from }) => {
            backup::restore(from, &options.data).map(|report| println!("{report}"))
        }
        None => serve(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("messenger: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn serve(options: &Options) -> anyhow::Result<()> {
    logging::start(options);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(run::run(options));
    // Whatever runs still was given its time, or was not to be waited for.
    runtime.shutdown_background();
    done
}
