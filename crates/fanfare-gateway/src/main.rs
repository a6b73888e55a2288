//! The stand-alone gateway. `--help` and the book say what it does.

use std::process::ExitCode;

fn main() -> ExitCode {
    fanfare_gateway::standalone::main()
}
