//! Rooms, members, publications at a steady rate: what each delivery cost, and how long it took.

use std::time::{Duration, Instant};

use fanfare_benches::bare::{Segments, frame};
use fanfare_benches::place::Place;

use crate::child::Measured;
use crate::client::Clients;
use crate::server::token;

/// Who listens, and how much is said.
pub(crate) struct Load {
    pub(crate) rooms: usize,
    pub(crate) members: usize,
    pub(crate) per_second: usize,
    pub(crate) seconds: usize,
}

/// What came out of one run.
pub(crate) struct Outcome {
    /// CPU time of the server for each delivery, in microseconds.
    pub(crate) micros: f64,
    /// Frames for each delivery: below 1 where several share one.
    pub(crate) frames: f64,
    /// Bytes of one delivery's text.
    pub(crate) bytes: usize,
    /// From publishing to arriving, in milliseconds: median and 99th percentile.
    pub(crate) arrived: [f64; 2],
    /// From publishing to the publisher's answer.
    pub(crate) answered: [f64; 2],
    /// From being due to being on the disk, in a bare log a moment before.
    pub(crate) logged: [f64; 2],
}

impl Load {
    fn connections(&self) -> usize {
        self.rooms * self.members
    }

    fn publications(&self) -> usize {
        self.per_second * self.seconds
    }

    pub(crate) fn gateway(&self, place: &Place) -> anyhow::Result<Outcome> {
        let logged = self.bare_log(place, 256)?;
        let folder = place.folder("gateway")?;
        let server = Measured::start(&["serve", &folder.display().to_string()])?;
        let mut clients = Clients::new()?;
        let subscribed = |number: usize| format!("room:{}", number / self.members);
        connect(&mut clients, &server, self.connections(), &subscribed)?;
        let publisher = clients.open(server.address, true)?;
        let hello = format!(r#"{{"id":1,"connect":{{"token":"{}"}}}}"#, token(publisher)?);
        let mut is_there = false;
        while !is_there {
            clients.poll(Duration::from_secs(5), |_, line| {
                is_there = line.contains("\"client\"");
                line.is_empty().then(|| hello.clone())
            })?;
        }

        let (expected, filler) = (self.publications() * self.members, "x".repeat(96));
        let mut seen = vec![0u64; self.connections()];
        let (mut arrived, mut answered) = (Vec::with_capacity(expected), Vec::new());
        let (mut published, mut bytes) = (0, 0);
        let (cpu, frames, begin) = (server.cpu()?, clients.frames, Instant::now());
        while arrived.len() < expected || answered.len() < self.publications() {
            let due = Duration::from_secs_f64(published as f64 / self.per_second as f64);
            let left = due.saturating_sub(begin.elapsed());
            if published < self.publications() && left.is_zero() {
                let room = published % self.rooms;
                let at = begin.elapsed().as_nanos();
                published += 1;
                clients.send(
                    publisher,
                    &format!(
                        r#"{{"id":{},"publish":{{"channel":"room:{room}","data":{{"at":{at},"x":"{filler}"}}}}}}"#,
                        at / 1_000 + 1
                    ),
                )?;
                continue;
            }
            let timeout = if published < self.publications() { left } else { Duration::from_secs(10) };
            let mut problem = None;
            let has_come = clients.poll(timeout, |number, line| {
                let now = begin.elapsed();
                if number == publisher {
                    match number_after(line, "\"id\":") {
                        Some(id) if line.contains("\"publish\"") => {
                            answered.push(now.saturating_sub(Duration::from_micros(id - 1)));
                        }
                        _ => problem = Some(line.to_owned()),
                    }
                    return None;
                }
                let (offset, at) = (number_after(line, "\"offset\":"), number_after(line, "\"at\":"));
                match (offset, at, seen.get_mut(number)) {
                    (Some(offset), Some(at), Some(seen)) if offset == *seen + 1 => {
                        (*seen, bytes) = (offset, line.len());
                        arrived.push(now.saturating_sub(Duration::from_nanos(at)));
                    }
                    _ => problem = Some(line.to_owned()),
                }
                None
            })?;
            if let Some(problem) = problem {
                anyhow::bail!("a gap, a repeat or no publication: {problem}");
            }
            anyhow::ensure!(
                has_come || published < self.publications(),
                "{} of {expected} arrived, {} answered",
                arrived.len(),
                answered.len()
            );
        }
        let spent = server.cpu()?.saturating_sub(cpu);
        Ok(Outcome {
            micros: spent.as_secs_f64() * 1e6 / expected as f64,
            frames: (clients.frames - frames) as f64 / expected as f64,
            bytes,
            arrived: percentiles(arrived),
            answered: percentiles(answered),
            logged,
        })
    }

    /// As many bytes written to a bare log at the same pace: from being due to being on the disk, in milliseconds: median
    /// and 99th percentile.
    pub(crate) fn bare_log(&self, place: &Place, bytes: usize) -> anyhow::Result<[f64; 2]> {
        let due = |number: usize| Duration::from_secs_f64(number as f64 / self.per_second as f64);
        let mut log = Segments::open(&place.folder("bare-log")?)?;
        let (payload, mut block) = (vec![b'x'; bytes], Vec::new());
        let mut waited = Vec::with_capacity(self.publications());
        let begin = Instant::now();
        while waited.len() < self.publications() {
            std::thread::sleep(due(waited.len()).saturating_sub(begin.elapsed()));
            let now = begin.elapsed();
            let come = (waited.len()..self.publications()).take_while(|number| due(*number) <= now);
            let come: Vec<Duration> = come.map(due).collect();
            come.iter().for_each(|_| frame(&mut block, &payload));
            log.commit(&block)?;
            block.clear();
            let done = begin.elapsed();
            waited.extend(come.into_iter().map(|due| done.saturating_sub(due)));
        }
        Ok(percentiles(waited))
    }

    /// CPU time for each bare write, in microseconds.
    pub(crate) fn bare(&self, bytes: usize) -> anyhow::Result<f64> {
        let mut writer = Measured::start(&["bare"])?;
        let Self { members, per_second, seconds, .. } = self;
        writer.tell(&format!("{} {members} {per_second} {seconds} {bytes}", self.connections()))?;
        let mut clients = Clients::new()?;
        for _ in 0..self.connections() {
            clients.open(writer.address, false)?;
        }
        writer.hear()?;
        let cpu = writer.cpu()?;
        let expected = (self.publications() * members) as u64;
        while clients.frames < expected {
            let has_come = clients.poll(Duration::from_secs(10), |_, _| None)?;
            anyhow::ensure!(has_come, "{} of {expected} writes arrived", clients.frames);
        }
        writer.hear()?;
        Ok(writer.cpu()?.saturating_sub(cpu).as_secs_f64() * 1e6 / expected as f64)
    }
}

/// Opens connections and subscribes each to its channel.
pub(crate) fn connect(
    clients: &mut Clients,
    server: &Measured,
    count: usize,
    channel: &impl Fn(usize) -> String,
) -> anyhow::Result<()> {
    let (mut opened, mut ready) = (0, 0);
    let mut hello = Vec::with_capacity(count);
    for number in 0..count {
        hello.push(format!(
            "{{\"id\":1,\"connect\":{{\"token\":\"{}\"}}}}\n{{\"id\":2,\"subscribe\":{{\"channel\":\"{}\",\"flag\":1}}}}",
            token(number)?,
            channel(number)
        ));
    }
    while ready < count {
        // Not more at once than the listener's queue takes.
        while opened < count && opened < ready + 500 {
            clients.open(server.address, true)?;
            opened += 1;
        }
        let mut problem = None;
        let has_come = clients.poll(Duration::from_secs(10), |number, line| {
            if line.is_empty() {
                return hello.get(number).cloned();
            }
            if line.contains("\"error\"") {
                problem = Some(line.to_owned());
            }
            ready += usize::from(line.contains("\"subscribe\""));
            None
        })?;
        anyhow::ensure!(problem.is_none(), "{problem:?}");
        anyhow::ensure!(has_come, "{ready} of {count} connections were ready in time");
    }
    Ok(())
}

pub(crate) fn number_after(line: &str, name: &str) -> Option<u64> {
    let (_, behind) = line.split_once(name)?;
    let digits = behind.bytes().take_while(u8::is_ascii_digit).count();
    behind.get(..digits)?.parse().ok()
}

fn percentiles(mut all: Vec<Duration>) -> [f64; 2] {
    all.sort_unstable();
    let at = |part: f64| all.get((all.len() as f64 * part) as usize).map_or(f64::NAN, Duration::as_secs_f64);
    [at(0.5) * 1e3, at(0.99) * 1e3]
}
