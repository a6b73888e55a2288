//! The command line.

use super::config::{Config, EXAMPLE};
use super::run;
use clap::{Parser, ValueEnum};
use fanfare::logging::{self, Format};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// A real-time gateway for back ends in any language.
///
/// Browsers and apps connect with the Centrifuge client libraries (JSON over WebSocket); your back end publishes with HTTP
/// requests. What has history is kept in a journal on the disk: a publish is answered when it is durable, and who was
/// away gets what it missed, also after a restart.
///
/// A first day looks like this:
///
///   fanfare-gateway --print-example > gateway.toml      a file that explains every option
///   fanfare-gateway --config gateway.toml --check       says whether it holds, and names the line if not
///   fanfare-gateway --config gateway.toml               serves until SIGTERM or Ctrl-C
///
/// Secrets may stand in the environment instead of the file: FANFARE_GATEWAY_HMAC_KEY, FANFARE_GATEWAY_HMAC_KEY_PREVIOUS,
/// FANFARE_GATEWAY_API_KEY. They count before the file's and are never printed. RUST_LOG says what is logged.
#[derive(Debug, Parser)]
#[command(name = "fanfare-gateway", version, verbatim_doc_comment)]
struct Options {
    /// The file that says what is allowed. Paths in it are relative to the folder that the program is started in
    #[arg(
        long,
        value_name = "FILE",
        env = "FANFARE_GATEWAY_CONFIG",
        required_unless_present = "print_example"
    )]
    config: Option<PathBuf>,

    /// Only look whether the file holds: exit 0 when it does, 1 with the mistakes when it does not
    #[arg(long)]
    check: bool,

    /// Print a file that explains every option, and end
    #[arg(long)]
    print_example: bool,

    /// How log lines are written
    #[arg(
        long,
        value_enum,
        value_name = "FORMAT",
        env = "FANFARE_GATEWAY_LOG_FORMAT",
        default_value = "text"
    )]
    log_format: LogFormat,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogFormat {
    /// For people
    Text,
    /// One object per line, for machines
    Json,
}

/// The whole program: reads the command line, and returns what it ends with.
#[must_use]
pub fn main() -> ExitCode {
    let options = Options::parse();
    if options.print_example {
        // Whoever reads it may have seen enough.
        let _ = std::io::stdout().write_all(EXAMPLE.as_bytes());
        return ExitCode::SUCCESS;
    }
    let file = options.config.unwrap_or_default();
    let (config, warnings) = match Config::read(&file) {
        Ok(read) => read,
        Err(mistakes) => {
            mistakes.iter().for_each(|mistake| eprintln!("{mistake}"));
            return ExitCode::FAILURE;
        }
    };
    if options.check {
        warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
        println!("{}: fine: {}", file.display(), config.summary());
        return ExitCode::SUCCESS;
    }
    logging::init(match options.log_format {
        LogFormat::Text => Format::Text,
        LogFormat::Json => Format::Json,
    });
    warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
    match serve(config, &file) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fanfare-gateway: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn serve(config: Config, file: &Path) -> anyhow::Result<()> {
    tracing::info!(file = %file.display(), "{}", config.summary());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(run::run(config))
}

#[cfg(test)]
mod tests {
    use super::Options;
    use clap::CommandFactory;

    #[test]
    fn the_definition_of_the_command_line_holds() {
        Options::command().debug_assert();
    }
}
