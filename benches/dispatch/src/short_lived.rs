//! A million short-lived objects that subscribe and go away, each with an emit in its lifetime: what stays behind.

use std::{sync::Arc, time::Instant};

use fanfare::dispatch::Dispatcher;

use crate::{
    allocations, bar,
    work::{Sum, Tick, adding, look, sync_of, tick},
};

const OBJECTS: u32 = 1_000_000;
/// From here on nothing may be added.
const WARM: u32 = 1_000;

pub(crate) fn come_and_go() {
    println!("\na million short-lived objects");
    run("on_weak, the owner dropped", |dispatcher| {
        let object = Arc::new(Sum::default());
        dispatcher.on_weak(&object, |sum: &Sum, tick: &Tick| sum.add(tick.n));
        look(&dispatcher.emit_sync(&tick()));
    });
    run("on, a guard dropped", |dispatcher| {
        let _guard = dispatcher.on(adding()).guard();
        look(&dispatcher.emit_sync(&tick()));
    });
}

fn run(name: &str, live: impl Fn(&Dispatcher)) {
    let dispatcher = sync_of(1);
    (0..WARM).for_each(|_| live(&dispatcher));
    let (bytes, pages, start) = (allocations::live(), resident(), Instant::now());
    (WARM..OBJECTS).for_each(|_| live(&dispatcher));
    let each = start.elapsed().as_nanos() as f64 / f64::from(OBJECTS - WARM);
    println!("  {name}: {each:.0} ns each, resident {:+} KiB", resident() - pages);
    bar("  bytes more than after the first thousand", (allocations::live() - bytes) as f64, "", 0.0);
}

/// KiB of this process in memory; 0 where nobody says.
fn resident() -> i64 {
    let said = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = said.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
