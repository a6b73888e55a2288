//! CPU time of this process: on a machine that others use too it says more than the clock on the wall.

use std::time::Duration;

/// User and system time of all threads so far, in steps of 10 ms; zero where the system does not tell.
#[must_use]
pub fn spent() -> Duration {
    ticks(11)
}

/// The same of all child processes that have ended and were waited for, and of theirs.
#[must_use]
pub fn spent_by_children() -> Duration {
    ticks(13)
}

/// Two neighbours of the fields of `stat` (proc(5)), counted behind the program's name, which may hold spaces.
fn ticks(first: usize) -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let behind = stat.rsplit(')').next().unwrap_or_default();
    let fields = behind.split_whitespace().skip(first).take(2);
    Duration::from_millis(fields.filter_map(|ticks| ticks.parse::<u64>().ok()).sum::<u64>() * 10)
}

/// Microseconds of CPU time per event, over all runs.
#[derive(Debug, Default)]
pub struct PerEvent {
    spent: Duration,
    events: f64,
}

impl PerEvent {
    /// Measures one run; `run` answers its figure and how many events that was.
    ///
    /// # Errors
    /// What `run` says.
    pub fn measure(&mut self, run: impl FnOnce() -> anyhow::Result<(f64, f64)>) -> anyhow::Result<f64> {
        let before = spent();
        let (figure, events) = run()?;
        self.spent += spent().saturating_sub(before);
        self.events += events;
        Ok(figure)
    }

    /// Microseconds per event.
    #[must_use]
    pub fn micros(&self) -> f64 {
        self.spent.as_secs_f64() * 1e6 / self.events
    }
}
