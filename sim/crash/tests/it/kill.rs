use std::{path::Path, time::Duration};

use fanfare_crash::{Judge, Random, Run, Summary, run_child};

const GROUPS: [&str; 3] = ["steady", "flaky", "slow"];

/// Kills the child `lives` times, lets it drain, and judges.
fn crash_loop(seed: u64, lives: u64, arguments: &[String]) -> Result<Summary, String> {
    let data = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mut random = Random::new(seed);
    let mut judge = Judge::default();
    let mut again = Vec::new();
    let run = |number, again: &[_], kill_after, judge: &mut Judge| {
        let program = Path::new(env!("CARGO_BIN_EXE_crash-child"));
        let run = Run { program, data: data.path(), number, again, kill_after, arguments };
        let hear = |line: &_| {
            judge.hear(line);
            judge.is_busy()
        };
        run_child(&run, hear).map_err(|error| format!("seed {seed}: {error:#}"))
    };
    // Between the moment that was chosen and the kill the last handler may end: such a life does not count.
    let (mut number, mut counted) = (0, 0);
    while counted < lives {
        assert!(
            number < lives * 3,
            "seed {seed}: {counted} of {number} kills met a publish and a handler in flight"
        );
        let kill_after = Duration::from_micros(20_000 + random.below(250_000));
        run(number, &again, Some(kill_after), &mut judge)?;
        counted += u64::from(judge.is_busy());
        judge.killed();
        again = judge.take_unknown();
        number += 1;
    }
    run(number, &again, None, &mut judge)?;
    judge.verdict(&GROUPS).map_err(|violations| {
        let shown: Vec<String> = violations.iter().take(10).map(ToString::to_string).collect();
        format!("seed {seed}: {} promises broken:\n{}", violations.len(), shown.join("\n"))
    })
}

#[test]
fn nothing_acknowledged_is_lost_and_no_order_is_broken_by_kill_9() {
    let (mut first, mut again) = (0, 0);
    for seed in 1..=4 {
        let summary = crash_loop(seed, 12, &[]).unwrap();
        first += summary.first_deliveries;
        again += summary.redeliveries;
    }
    assert!(
        first > 1_000 && again > 100,
        "{first} first deliveries and {again} redeliveries are too few to judge"
    );
    println!("48 kills: {first} first deliveries, {again} redeliveries, no promise broken");
}

#[test]
fn a_dropped_key_lock_is_found() {
    let verdict = crash_loop(5, 2, &["key-lock-dropped".to_owned()]).unwrap_err();
    assert!(verdict.contains("while another of the key was running"), "{verdict}");
}
