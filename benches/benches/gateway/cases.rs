//! The cases, and how they are printed.

use std::time::{Duration, Instant};

use fanfare_benches::place::Place;
use fanfare_benches::rounds::{Contestant, interleaved, print};

use crate::child::Measured;
use crate::client::Clients;
use crate::deliveries::{Load, Outcome, connect, number_after};
use crate::server::token;

const ROUNDS: usize = 3;

pub(crate) fn deliveries(place: &Place, title: &str, load: &Load) -> anyhow::Result<()> {
    let mut outcomes: Vec<Outcome> = Vec::new();
    let bytes = std::cell::Cell::new(300);
    let contestants = vec![
        Contestant::new("bare write", || load.bare(bytes.get())),
        Contestant::new("gateway, durable", || {
            let outcome = load.gateway(place)?;
            let micros = outcome.micros;
            bytes.set(outcome.bytes);
            outcomes.push(outcome);
            Ok(micros)
        }),
    ];
    let figures = interleaved(ROUNDS, contestants)?;
    print(title, "us of CPU per delivery", &figures);
    let median = |of: fn(&Outcome) -> f64| {
        let mut all: Vec<f64> = outcomes.iter().map(of).collect();
        all.sort_by(f64::total_cmp);
        all.get(all.len() / 2).copied().unwrap_or(f64::NAN)
    };
    println!(
        "  arrived after {:.2} ms, p99 {:.2} ms; publisher answered after {:.2} ms, p99 {:.2} ms",
        median(|outcome| outcome.arrived[0]),
        median(|outcome| outcome.arrived[1]),
        median(|outcome| outcome.answered[0]),
        median(|outcome| outcome.answered[1]),
    );
    println!(
        "  a bare log at this pace: on the disk after {:.2} ms, p99 {:.2} ms",
        median(|outcome| outcome.logged[0]),
        median(|outcome| outcome.logged[1]),
    );
    println!(
        "  {} bytes, {:.2} frames for each delivery; 0 lost, 0 gaps, 0 repeated",
        bytes.get(),
        median(|outcome| outcome.frames)
    );
    Ok(())
}

/// The cost of one bare write right now, for the cases that have no deliveries of their own.
fn yardstick() -> anyhow::Result<f64> {
    Load { rooms: 1, members: 1_000, per_second: 100, seconds: 3 }.bare(300)
}

pub(crate) fn idle(place: &Place) -> anyhow::Result<()> {
    const CONNECTIONS: usize = 8_000;
    let window = Duration::from_secs(25);
    let server = Measured::start(&["serve", &place.folder("idle")?.display().to_string()])?;
    let mut clients = Clients::new()?;
    connect(&mut clients, &server, 10, &|number| format!("room:warm-{number}"))?;
    clients.close_all();
    let (empty, mut clients) = (server.resident()?, Clients::new()?);
    connect(&mut clients, &server, CONNECTIONS, &|number| format!("room:{}", number / 10))?;
    let each = (server.resident()? - empty) / CONNECTIONS as f64;
    let (cpu, begin) = (server.cpu()?, Instant::now());
    while let Some(left) = window.checked_sub(begin.elapsed()) {
        clients.poll(left, |_, _| None)?;
    }
    let spent = server.cpu()?.saturating_sub(cpu).as_secs_f64() * 1e6 / CONNECTIONS as f64;
    let spent = spent / begin.elapsed().as_secs_f64();
    let settled = (server.resident()? - empty) / CONNECTIONS as f64;
    let write = yardstick()?;
    println!("\n{CONNECTIONS} idle connections, each in a room of 10, pinged every 25 s");
    println!("  {:.1} KB each at once, {:.1} KB after the pings", each / 1024.0, settled / 1024.0);
    println!("  {spent:.2} us of CPU per second each; a bare write is {write:.2} us: x{:.2}", spent / write);
    Ok(())
}

pub(crate) fn reconnect(place: &Place) -> anyhow::Result<()> {
    const CONNECTIONS: usize = 5_000;
    const MISSED: usize = 10;
    let server = Measured::start(&["serve", &place.folder("reconnect")?.display().to_string()])?;
    let channel = |number: usize| format!("room:{}", number / 50);
    let mut publisher = Clients::new()?;
    connect(&mut publisher, &server, 1, &|_| "room:publisher".into())?;
    let mut figures = Vec::new();
    let mut took = Duration::ZERO;
    for round in 0..ROUNDS {
        let mut answered = 0;
        for number in 0..MISSED * CONNECTIONS / 50 {
            let room = number / MISSED;
            publisher.send(
                0,
                &format!(
                    r#"{{"id":{},"publish":{{"channel":"room:{room}","data":{{"n":{number}}}}}}}"#,
                    number + 9
                ),
            )?;
            while answered <= number {
                publisher.poll(Duration::from_secs(10), |_, line| {
                    answered += usize::from(line.contains("\"publish\":{}"));
                    None
                })?;
            }
        }
        let mut hello = Vec::with_capacity(CONNECTIONS);
        for number in 0..CONNECTIONS {
            hello.push(format!(
                "{{\"id\":1,\"connect\":{{\"token\":\"{}\"}}}}\n{{\"id\":2,\"subscribe\":{{\"channel\":\"{}\",\"recover\":true,\"offset\":{}}}}}",
                token(number)?,
                channel(number),
                round * MISSED
            ));
        }
        let mut clients = Clients::new()?;
        let (cpu, begin) = (server.cpu()?, Instant::now());
        for _ in 0..CONNECTIONS {
            clients.open(server.address, true)?;
        }
        let mut recovered = 0;
        while recovered < CONNECTIONS {
            let mut problem = None;
            let has_come = clients.poll(Duration::from_secs(10), |number, line| {
                if line.is_empty() {
                    return hello.get(number).cloned();
                }
                if line.contains("\"subscribe\"") {
                    let count = line.matches("\"data\":").count();
                    let first = line
                        .split_once("\"publications\"")
                        .and_then(|(_, all)| number_after(all, "\"offset\":"));
                    if count == MISSED && first == Some((round * MISSED + 1) as u64) {
                        recovered += 1;
                    } else {
                        problem = Some(line.to_owned());
                    }
                }
                None
            })?;
            anyhow::ensure!(problem.is_none(), "not recovered: {problem:?}");
            anyhow::ensure!(has_come, "{recovered} of {CONNECTIONS} came back in time");
        }
        took = begin.elapsed();
        figures.push(server.cpu()?.saturating_sub(cpu).as_secs_f64() * 1e6 / CONNECTIONS as f64);
        drop(clients);
        std::thread::sleep(Duration::from_secs(1));
    }
    figures.sort_by(f64::total_cmp);
    let (median, write) = (figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN), yardstick()?);
    println!("\n{CONNECTIONS} reconnect at once, each recovers {MISSED} publications");
    println!(
        "  {median:.1} us of CPU each (x{:.1} of a bare write of {write:.2} us), all within {took:.2?}",
        median / write
    );
    Ok(())
}

pub(crate) fn joins(place: &Place) -> anyhow::Result<()> {
    println!("\na room with join and leave told fills at once");
    for members in [250, 500, 1_000, 2_000] {
        let server = Measured::start(&["serve", &place.folder("joins")?.display().to_string()])?;
        let mut clients = Clients::new()?;
        connect(&mut clients, &server, members, &|number| format!("room:own-{number}"))?;
        let (cpu, begin) = (server.cpu()?, Instant::now());
        for number in 0..members {
            clients.send(number, r#"{"id":3,"subscribe":{"channel":"lobby:all","flag":1}}"#)?;
        }
        let (mut told, mut to_first) = (0u64, 0);
        let (mut subscribed, mut frames) = (0, clients.frames);
        // In a larger room nobody is told.
        let told_max = if members <= 500 { members } else { 0 };
        while to_first < told_max || subscribed < members {
            let has_come = clients.poll(Duration::from_secs(5), |number, line| {
                let is_join = line.contains("\"join\"");
                told += u64::from(is_join);
                to_first += usize::from(is_join && number == 0);
                subscribed += usize::from(line.contains("\"subscribe\""));
                None
            })?;
            anyhow::ensure!(has_come, "the first member was told of {to_first} of {told_max}");
        }
        let took = begin.elapsed();
        while clients.poll(Duration::from_millis(500), |_, line| {
            told += u64::from(line.contains("\"join\""));
            None
        })? {}
        frames = clients.frames - frames;
        let each = server.cpu()?.saturating_sub(cpu).as_secs_f64() * 1e6 / members as f64;
        println!(
            "  {members:>5} members: {each:>8.1} us of CPU for each join, {told} told in {frames} frames, within {took:.2?}"
        );
    }
    Ok(())
}
