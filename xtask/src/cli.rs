//! What can be said on the command line.

use clap::{Args, Parser, Subcommand};

/// The project's own tasks.
///
/// A first day looks like this:
///
///   cargo xtask test      every test; installs what they need: a browser, the npm packages
///   cargo xtask ci        what must pass before a change lands
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", verbatim_doc_comment)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) task: Task,
}

#[derive(Subcommand)]
pub(crate) enum Task {
    /// Install what the tests need and this machine lacks (Debian's packages, npm packages)
    Setup(Setup),
    /// Run every test: the workspace with its doc tests, the pages and the client SDK, then the decoder under
    /// a fuzzer for half a minute; installs what these need and names what it could not run
    Test(Test),
    /// Everything that must pass before a change lands: format, lints, docs, tidy, licences, tests, installation
    Ci,
    /// Check the rules of the house that no compiler checks (see the end of CONTRIBUTING.md)
    Tidy,
    /// Run the benches, optimized; words filter them by name
    Bench(Bench),
    /// Feed the gateway's decoder with inputs that libFuzzer makes up, for a while
    Fuzz(Fuzz),
    /// Build the API documentation with warnings denied
    Docs(Docs),
    /// Install the messenger into the target folder by its own script, and verify completions and systemd unit
    Install,
}

#[derive(Args)]
pub(crate) struct Setup {
    /// Only say what is missing; install nothing
    #[arg(long)]
    pub(crate) check: bool,
}

#[derive(Args, Default)]
pub(crate) struct Test {
    /// Only the tests of the workspace
    #[arg(long, conflicts_with = "pages")]
    pub(crate) rust: bool,
    /// Only the tests of the pages and the client SDK (folders with a package-lock.json)
    #[arg(long)]
    pub(crate) pages: bool,
    /// Install nothing
    #[arg(long)]
    pub(crate) no_setup: bool,
    /// Only these packages of the workspace; may be given several times
    #[arg(short, long = "package", value_name = "NAME")]
    pub(crate) packages: Vec<String>,
    /// Only tests whose name contains this
    pub(crate) filter: Option<String>,
}

#[derive(Args)]
pub(crate) struct Bench {
    /// Name the benches there are and stop
    #[arg(long)]
    pub(crate) list: bool,
    /// Benches whose name contains one of these words; all when none is given
    pub(crate) names: Vec<String>,
    /// What follows `--` goes to each bench program
    #[arg(last = true)]
    pub(crate) rest: Vec<String>,
}

#[derive(Args)]
pub(crate) struct Fuzz {
    /// How long, in seconds
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) seconds: u32,
}

#[derive(Args)]
pub(crate) struct Docs {
    /// Open the documentation in a browser
    #[arg(long)]
    pub(crate) open: bool,
}
