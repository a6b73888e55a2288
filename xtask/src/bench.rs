//! `bench`: the benches of the workspace, optimized, chosen by name.

use crate::{
    cli,
    process::{cargo, run as run_command, step},
    workspace::Workspace,
};
use anyhow::{Result, bail};

pub(crate) fn run(options: &cli::Bench) -> Result<()> {
    let workspace = Workspace::load()?;
    let mut benches = Vec::new();
    for member in workspace.members() {
        let targets = member.targets.iter().filter(|target| target.kind.iter().any(|kind| kind == "bench"));
        benches.extend(targets.map(|target| (member.name.as_str(), target.name.as_str())));
    }
    if options.list {
        benches.iter().for_each(|(package, bench)| println!("{bench} ({package})"));
        return Ok(());
    }
    let is_chosen =
        |bench: &str| options.names.is_empty() || options.names.iter().any(|name| bench.contains(name));
    let chosen: Vec<_> = benches.iter().filter(|(_, bench)| is_chosen(bench)).collect();
    if chosen.is_empty() {
        let names: Vec<&str> = benches.iter().map(|(_, bench)| *bench).collect();
        bail!("no bench has such a name; there are: {}", names.join(", "));
    }
    for (package, bench) in chosen {
        step(&format!("bench {bench}"));
        let mut command = cargo();
        command.args(["bench", "--package", package, "--bench", bench, "--"]).args(&options.rest);
        run_command(&mut command, "what it measured until then stands above")?;
    }
    Ok(())
}
