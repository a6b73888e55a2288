//! What can be said on the command line, in the environment, and in a file.

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use messenger::accounts::SignUp;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// A messenger that keeps every message: the tick beside one means that it is on the disk.
///
/// Start it, open the address that it prints in two windows, and write. Everything is in one folder; end it with Ctrl-C
/// (or SIGTERM) and start it again, and the conversation goes on where it was.
///
/// Every option can also stand in the environment, under the name shown, or in a file (--config) as `listen = "..."`. The
/// command line counts before the environment, the environment before the file.
#[derive(Debug, Parser)]
#[command(name = "messenger", version, verbatim_doc_comment, args_override_self = true)]
#[command(args_conflicts_with_subcommands = false, subcommand_negates_reqs = true)]
pub(crate) struct Options {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    /// Folder for the journal, the accounts and the secret that signs tokens. Created if missing, readable by its owner
    /// only. One messenger at a time can have it
    #[arg(
        long,
        value_name = "FOLDER",
        env = "MESSENGER_DATA",
        default_value = "data/messenger",
        global = true
    )]
    pub(crate) data: PathBuf,

    #[command(flatten)]
    pub(crate) serve: Serve,

    /// A file with options: TOML, each under its own name, as in `listen = "127.0.0.1:8080"` or `demo = true`
    #[arg(long, value_name = "FILE", env = "MESSENGER_CONFIG")]
    pub(crate) config: Option<PathBuf>,

    /// How log lines are written
    #[arg(long, value_enum, value_name = "FORMAT", env = "MESSENGER_LOG_FORMAT", default_value_t = LogFormat::Text)]
    pub(crate) log_format: LogFormat,

    /// What is logged: a level (error, warn, info, debug, trace), or levels by module as in `info,fanfare_gateway=debug`.
    /// What people write is logged at no level
    #[arg(long, value_name = "FILTER", env = "MESSENGER_LOG", default_value = "info")]
    pub(crate) log: String,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Address and port to serve on. Addresses that other machines can reach need --tls-cert and --tls-key, or
    /// --behind-proxy. Port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", env = "MESSENGER_LISTEN", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,

    /// Where people open the page, as in https://chat.example.org: requests of pages from elsewhere are refused. By
    /// default the address that is listened on, for this machine
    #[arg(long, value_name = "URL", env = "MESSENGER_PUBLIC_URL", value_parser = origin)]
    pub(crate) public_url: Option<String>,

    /// Certificate chain for TLS, a PEM file
    #[arg(long, value_name = "FILE", env = "MESSENGER_TLS_CERT", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,

    /// Private key of the certificate, a PEM file that not everybody may read
    #[arg(long, value_name = "FILE", env = "MESSENGER_TLS_KEY", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,

    /// A proxy that speaks TLS stands before the messenger: its X-Forwarded-For says where people come from. Nobody else
    /// may reach the address
    #[arg(long, env = "MESSENGER_BEHIND_PROXY", conflicts_with = "tls_cert")]
    pub(crate) behind_proxy: bool,

    /// Who may sign up
    #[arg(long, value_enum, value_name = "WHO", env = "MESSENGER_SIGN_UP", default_value_t = SignUp::Open)]
    pub(crate) sign_up: SignUp,

    /// Name of the first administrator, whose one-time password is printed at the first start
    #[arg(long, value_name = "NAME", env = "MESSENGER_ADMIN", default_value = "admin")]
    pub(crate) admin: String,

    /// Address of this machine on which metrics are served for Prometheus, under /metrics. Without it there are none
    #[arg(long, value_name = "ADDRESS:PORT", env = "MESSENGER_METRICS_LISTEN", value_parser = loopback)]
    pub(crate) metrics_listen: Option<SocketAddr>,

    /// Fills the messenger with people and rooms that talk. For looking around, never for a messenger that is used
    #[arg(long, env = "MESSENGER_DEMO")]
    pub(crate) demo: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Copies journal, accounts and secret of --data into a new folder, also while the messenger runs
    Backup {
        /// The folder to make
        to: PathBuf,
    },
    /// Makes --data, which must not exist or be empty, of a backup
    Restore {
        /// A folder that `backup` made
        from: PathBuf,
    },
    /// Prints completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people
    Text,
    /// One object per line, for machines
    Json,
}

impl Options {
    /// From the program's arguments, environment and file; ends the program with words when they make no sense.
    pub(crate) fn of_program() -> Self {
        let args: Vec<OsString> = std::env::args_os().collect();
        let options = Self::from(&args);
        let options = match &options.config {
            None => options,
            Some(file) => match in_file(file) {
                // Before the given ones, so that these win; what the environment says is left out.
                Ok(more) => {
                    let given = args.iter().skip(1).cloned();
                    Self::from(&args.iter().take(1).cloned().chain(more).chain(given).collect::<Vec<_>>())
                }
                Err(words) => refuse(&words),
            },
        };
        match options.serve.check() {
            Ok(()) => options,
            Err(words) if options.command.is_none() => refuse(&words),
            Err(_) => options,
        }
    }
}

impl Options {
    fn from(args: &[OsString]) -> Self {
        let mut matches = command().get_matches_from(args);
        Self::from_arg_matches_mut(&mut matches).unwrap_or_else(|error| error.exit())
    }
}

/// The command line, with the name in a file beside each option that can stand in one.
pub(crate) fn command() -> clap::Command {
    Options::command().mut_args(|arg| {
        let Some(key) = arg.get_long().filter(|_| arg.get_env().is_some()).map(file_key) else { return arg };
        let words =
            arg.get_long_help().or_else(|| arg.get_help()).map(ToString::to_string).unwrap_or_default();
        if key == "config" { arg } else { arg.long_help(format!("{words}\n\n[file: {key}]")) }
    })
}

fn file_key(long: &str) -> String {
    long.replace('-', "_")
}

impl Serve {
    fn check(&self) -> Result<(), String> {
        let ip = self.listen.ip();
        let is_safe = self.tls_cert.is_some() || self.behind_proxy;
        if !ip.is_loopback() && !is_safe {
            return Err(format!(
                "{ip} can be reached from other machines, and over plain HTTP whoever is between could read and write \
                 everything. Give it --tls-cert and --tls-key, or say --behind-proxy when a proxy speaks TLS for it; or \
                 listen on 127.0.0.1:{}",
                self.listen.port()
            ));
        }
        if is_safe && self.public_url.is_none() {
            return Err("say where people open the page: --public-url https://chat.example.org".into());
        }
        if self.tls_cert.is_some() && self.public_url.as_ref().is_some_and(|url| !url.starts_with("https://"))
        {
            return Err("with --tls-cert the --public-url begins with https://".into());
        }
        Ok(())
    }
}

fn refuse(words: &str) -> ! {
    command().error(clap::error::ErrorKind::ValueValidation, words).exit()
}

/// The options in a file, as arguments; but for those that the environment gives.
fn in_file(path: &Path) -> Result<Vec<OsString>, String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("failed to read {}: {error}", path.display()))?;
    let table: toml::Table = text.parse().map_err(|error| format!("{}: {error}", path.display()))?;
    let command = command();
    let mut args = Vec::new();
    for (key, value) in table {
        let name = key.replace('_', "-");
        let Some(known) = command.get_arguments().find(|known| known.get_long() == Some(&name)) else {
            return Err(format!("{}: there is no option `{key}`; --help lists them", path.display()));
        };
        if known.get_env().is_some_and(|env| std::env::var_os(env).is_some()) {
            continue;
        }
        let value = match value {
            toml::Value::Boolean(false) => continue,
            toml::Value::Boolean(true) => None,
            toml::Value::String(text) => Some(text),
            toml::Value::Integer(number) => Some(number.to_string()),
            _ => return Err(format!("{}: `{key}` should be a text, a number or true", path.display())),
        };
        args.push(OsString::from(match value {
            Some(value) => format!("--{name}={value}"),
            None => format!("--{name}"),
        }));
    }
    Ok(args)
}

fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr =
        text.parse().map_err(|_| "expected an address and a port, as in 127.0.0.1:9090")?;
    if address.ip().is_loopback() {
        return Ok(address);
    }
    Err(format!("{} can be reached from other machines; metrics are for this one", address.ip()))
}

/// Scheme, host and port, without anything behind.
fn origin(text: &str) -> Result<String, String> {
    let say = || "expected an address without a path, as in https://chat.example.org".to_owned();
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).ok_or_else(say)?;
    let is_host = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
    let host = rest.strip_suffix('/').unwrap_or(rest);
    if host.is_empty() || !host.chars().all(is_host) {
        return Err(say());
    }
    Ok(text.strip_suffix('/').unwrap_or(text).to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(args: &[&str]) -> Result<(), String> {
        let args = std::iter::once("messenger").chain(args.iter().copied());
        Options::try_parse_from(args).map_err(|error| error.to_string())?.serve.check()
    }

    #[test]
    fn the_definition_of_the_command_line_holds() {
        command().debug_assert();
    }

    #[test]
    fn the_help_explains_every_option_with_its_variable_and_its_name_in_a_file() {
        let help = command().render_long_help().to_string();
        let command = command();
        let options =
            command.get_arguments().filter(|arg| !matches!(arg.get_id().as_str(), "help" | "version"));
        for option in options {
            let long = option.get_long().expect("every option has a long name");
            let variable = format!("MESSENGER_{}", long.replace('-', "_").to_uppercase());
            assert!(option.get_help().is_some(), "--{long} is explained");
            assert_eq!(option.get_env().and_then(|env| env.to_str()), Some(&*variable));
            assert!(help.contains(&format!("[env: {variable}=")), "--{long}: {help}");
            if long != "config" {
                assert!(help.contains(&format!("[file: {}]", long.replace('-', "_"))), "--{long}: {help}");
            }
        }
        for subcommand in command.get_subcommands() {
            assert!(subcommand.get_about().is_some(), "{} is explained", subcommand.get_name());
            let unexplained = subcommand.get_arguments().find(|arg| arg.get_help().is_none());
            assert!(unexplained.is_none(), "{unexplained:?}");
        }
    }

    #[test]
    fn what_other_machines_reach_needs_tls_or_a_proxy_and_the_refusal_says_why() {
        for own in ["127.0.0.1:80", "127.8.0.1:0", "[::1]:8080"] {
            assert_eq!(check(&["--listen", own]), Ok(()), "{own}");
        }
        for other in ["0.0.0.0:8080", "[::]:8080", "192.168.0.7:8080"] {
            assert!(check(&["--listen", other]).unwrap_err().contains("from other machines"), "{other}");
            let proxied = ["--listen", other, "--behind-proxy", "--public-url", "https://chat.example.org"];
            assert_eq!(check(&proxied), Ok(()));
            assert!(check(proxied.get(..3).unwrap()).unwrap_err().contains("--public-url"));
        }
        assert!(check(&["--tls-cert", "x"]).is_err());
        assert!(check(&["--metrics-listen", "0.0.0.0:1"]).unwrap_err().contains("for this one"));
        assert!(check(&["--public-url", "https://chat.example.org/x"]).is_err());
    }

    #[test]
    fn a_file_gives_options_and_the_command_line_wins() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("messenger.toml");
        std::fs::write(&file, "listen = \"127.0.0.1:1\"\nsign_up = \"closed\"\ndemo = true\n").unwrap();
        let args = in_file(&file).unwrap();
        let given = ["--listen", "127.0.0.1:2"].map(OsString::from);
        let all = std::iter::once(OsString::from("messenger")).chain(args).chain(given);
        let options = Options::try_parse_from(all).unwrap().serve;
        assert_eq!((options.listen.port(), options.sign_up, options.demo), (2, SignUp::Closed, true));
        std::fs::write(&file, "lisen = 1").unwrap();
        assert!(in_file(&file).unwrap_err().contains("`lisen`"));
    }
}
