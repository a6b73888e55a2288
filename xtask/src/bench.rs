//! `bench`: the benches of the workspace and beside it, optimized, chosen by name.

use crate::{
    cli, peers,
    process::{cargo, run as run_command, step},
    workspace::{OUTSIDE, Workspace},
};
use anyhow::{Result, bail};
use std::path::PathBuf;

/// A bench and where it belongs.
struct Bench {
    name: String,
    package: String,
    manifest: PathBuf,
}

pub(crate) fn run(options: &cli::Bench) -> Result<()> {
    let workspace = Workspace::load()?;
    let mut benches = benches_of(&workspace);
    for manifest in OUTSIDE {
        benches.extend(benches_of(&Workspace::of(manifest)?));
    }
    if options.list {
        benches.iter().for_each(|bench| println!("{} ({})", bench.name, bench.package));
        return Ok(());
    }
    let is_chosen =
        |bench: &str| options.names.is_empty() || options.names.iter().any(|name| bench.contains(name));
    let chosen: Vec<_> = benches.iter().filter(|bench| is_chosen(&bench.name)).collect();
    if chosen.is_empty() {
        let names: Vec<&str> = benches.iter().map(|bench| bench.name.as_str()).collect();
        bail!("no bench has such a name; there are: {}", names.join(", "));
    }
    for Bench { name, manifest, .. } in chosen {
        step(&format!("bench {name}"));
        let mut command = cargo();
        command.arg("bench").arg("--manifest-path").arg(manifest);
        command.arg("--target-dir").arg(&workspace.target_directory);
        command.args(["--bench", name, "--"]).args(&options.rest);
        run_command(&mut command, "what it measured until then stands above")?;
        peers::run(manifest, &workspace.target_directory)?;
    }
    Ok(())
}

fn benches_of(workspace: &Workspace) -> Vec<Bench> {
    let mut benches = Vec::new();
    for member in workspace.members() {
        let targets = member.targets.iter().filter(|target| target.kind.iter().any(|kind| kind == "bench"));
        benches.extend(targets.map(|target| Bench {
            name: target.name.clone(),
            package: member.name.clone(),
            manifest: member.manifest_path.clone(),
        }));
    }
    benches
}
