//! Publishers: so many tasks, each of which awaits its own receipt before it publishes again.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Bytes of a record's payload in every bench.
pub const PAYLOAD: usize = 128;

/// Runs `in_flight` tasks for this long on a fresh runtime; `publish` gets the task's number and the
/// number of its event. Returns completed publishes per second.
///
/// # Errors
/// A publish failed, or the runtime could not be made.
pub fn published_per_second<P, F>(in_flight: usize, run_for: Duration, publish: P) -> anyhow::Result<f64>
where
    P: Fn(usize, u64) -> F + Send + Sync + 'static,
    F: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let publish = Arc::new(publish);
    let is_over = Arc::new(AtomicBool::new(false));
    let count = Arc::new(AtomicU64::new(0));
    let begin = Instant::now();
    let tasks: Vec<_> = (0..in_flight)
        .map(|task| {
            let (publish, is_over, count) = (publish.clone(), is_over.clone(), count.clone());
            runtime.spawn(async move {
                let mut number = 0;
                while !is_over.load(Ordering::Relaxed) {
                    publish(task, number).await?;
                    number += 1;
                }
                count.fetch_add(number, Ordering::Relaxed);
                anyhow::Ok(())
            })
        })
        .collect();
    std::thread::sleep(run_for);
    is_over.store(true, Ordering::Relaxed);
    runtime.block_on(async {
        for task in tasks {
            task.await??;
        }
        anyhow::Ok(())
    })?;
    Ok(count.load(Ordering::Relaxed) as f64 / begin.elapsed().as_secs_f64())
}
