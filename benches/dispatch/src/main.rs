//! The in-process dispatcher beside a floor loop and its peers, in interleaved rounds: nanoseconds per emit, lower is
//! better; instructions and allocations per emit; how two threads scale; what subscribers that come and go do to the
//! tail and to memory. Each bar stands beside its figure.
#![allow(clippy::disallowed_methods, reason = "a bench reads the clock")]
#![allow(clippy::print_stdout, reason = "a bench prints")]

mod allocations;
mod floor;
mod instructions;
mod peers;
#[path = "../../src/rounds.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared with the other benches")]
mod rounds;
mod short_lived;
mod threads;
mod work;

use peers::{ASYNC, CHANNELS, Peer, SYNC};
use rounds::{Contestant, Figures, interleaved, print};
use work::{async_of, floor_of, list_of, look, nanos, now, sync_of, tick};

pub(crate) const ROUNDS: usize = 15;

/// How many handlers listen.
const HANDLERS: [usize; 2] = [1, 11];

const NOTES: [(&str, &str); 4] = [
    (
        "floor",
        "a typed list found by type in a hash map, a liveness flag and a panic guard; nobody may subscribe meanwhile",
    ),
    ("floor, list in hand", "the same without finding the list"),
    ("emit_sync", "closures of `&E`; a report; anybody may subscribe and emit meanwhile"),
    ("emit", "async handlers of `Arc<E>` that are ready at once, awaited together; a report"),
];

fn main() -> anyhow::Result<()> {
    if instructions::is_asked_for() {
        return instructions::run();
    }
    beside_peers()?;
    allocations_per_emit();
    instructions::print()?;
    threads::two()?;
    threads::churn();
    short_lived::come_and_go();
    Ok(())
}

/// Everyone on the same work, with one handler and with eleven, all in turn.
fn beside_peers() -> anyhow::Result<()> {
    let mut contestants = Vec::new();
    for handlers in HANDLERS {
        contestants.extend(ours(handlers));
        for Peer { name, make, .. } in SYNC.into_iter().chain(ASYNC).chain(CHANNELS) {
            let mut run = make(handlers);
            contestants.push(Contestant::new(name, move || Ok(run())));
        }
    }
    let figures = interleaved(ROUNDS, contestants)?;
    let (one, eleven) = figures.split_at(figures.len() / 2);
    print("1 handler", "ns/emit", one);
    print("11 handlers", "ns/emit", eleven);
    println!();
    let peers = SYNC.iter().chain(&ASYNC).chain(&CHANNELS).map(|peer| (peer.name, peer.work));
    NOTES.into_iter().chain(peers).for_each(|(name, work)| println!("  {name}: {work}"));
    bars(one, eleven);
    Ok(())
}

fn ours(handlers: usize) -> [Contestant<'static>; 4] {
    let (list, floor) = (list_of(handlers), floor_of(handlers));
    let (in_sync, in_async) = (sync_of(handlers), async_of(handlers));
    [
        Contestant::new("floor", move || Ok(nanos(|| look(&floor.emit(&tick()))))),
        Contestant::new("floor, list in hand", move || Ok(nanos(|| look(&list.emit(&tick()))))),
        Contestant::new("emit_sync", move || Ok(nanos(|| look(&in_sync.emit_sync(&tick()))))),
        Contestant::new("emit", move || Ok(nanos(|| look(&now(in_async.emit(tick())))))),
    ]
}

/// The first handler, and each further one, against what they may cost.
fn bars(one: &[Figures], eleven: &[Figures]) {
    let first = |name: &str| one.iter().find(|line| line.name == name).map_or(f64::NAN, |line| line.median);
    let all = |name: &str| eleven.iter().find(|line| line.name == name).map_or(f64::NAN, |line| line.median);
    let further = |name: &str| (all(name) - first(name)) / 10.0;
    println!("\nbars");
    let (floor, ours) = (first("floor"), first("emit_sync"));
    bar(
        &format!("emit_sync, first handler: {ours:.1} ns over the floor's {floor:.1}"),
        ours / floor,
        "x",
        1.5,
    );
    let in_hand = first("floor, list in hand");
    println!("  over a list that is in hand, {in_hand:.1} ns: {:.2}x", ours / in_hand);
    let (floor, ours) = (further("floor"), further("emit_sync"));
    bar(
        &format!("emit_sync, each further: {ours:.2} ns over the floor's {floor:.2}"),
        ours / floor,
        "x",
        1.6,
    );
    bar("emit, first handler", first("emit"), " ns", 150.0);
    bar("emit, each further", further("emit"), " ns", 40.0);
}

/// One line: the figure, what it may be at most, and whether it is.
pub(crate) fn bar(what: &str, figure: f64, unit: &str, most: f64) {
    let judged = if figure <= most { "held" } else { "MISSED" };
    println!("  {what}: {figure:.2}{unit} (bar {most}{unit}): {judged}");
}

fn allocations_per_emit() {
    println!("\nallocations per emit");
    for handlers in HANDLERS {
        let (in_sync, in_async) = (sync_of(handlers), async_of(handlers));
        let counted = |emit: &dyn Fn()| {
            emit();
            allocations::of(|| (0..1000).for_each(|_| emit())) as f64 / 1000.0
        };
        let in_sync = counted(&|| look(&in_sync.emit_sync(&tick())));
        let in_async = counted(&|| look(&now(in_async.emit(tick()))));
        bar(&format!("emit_sync, {handlers} handlers"), in_sync, "", 0.0);
        bar(&format!("emit, {handlers} handlers (the event's `Arc`)"), in_async, "", 1.0);
    }
}
