//! The Prometheus text format, version 0.0.4.

use std::{fmt::Write, sync::Arc};

use fanfare_core::{Clock, GroupStatus, Stats};

use crate::{consume::Group, publish::Types};

/// One sample: labels and value.
type Sample = (String, f64);

/// Renders every figure. `statuses` and `stats` are the transport's, where it has them.
pub(crate) fn render(
    groups: &[Arc<Group>],
    types: &Types,
    statuses: &[GroupStatus],
    stats: Option<&Stats>,
    clock: &dyn Clock,
) -> String {
    let mut text = String::new();
    let mut family = |name: &str, kind: &str, help: &str, samples: Vec<Sample>| {
        if samples.is_empty() {
            return;
        }
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (labels, value) in samples {
            let _ = writeln!(text, "{name}{labels} {value}");
        }
    };
    let (mut published, mut unhandled) = (Vec::new(), Vec::new());
    types.counts(|name, count, without_handler| {
        published.push((labels(&[("type", name)]), count as f64));
        if without_handler > 0 {
            unhandled.push((labels(&[("type", name)]), without_handler as f64));
        }
    });
    family("fanfare_published_total", "counter", "Events handed to the transport.", published);
    family("fanfare_unhandled_total", "counter", "Events that no handler takes.", unhandled);
    type Read = fn(&Group) -> u64;
    let counters: [(&str, &str, &str, Read); 12] = [
        ("fanfare_handled_total", "counter", "Deliveries acknowledged.", |g| g.metrics.handled.get()),
        ("fanfare_failed_total", "counter", "Attempts that failed.", |g| g.metrics.failed.get()),
        ("fanfare_panicked_total", "counter", "Attempts that panicked.", |g| g.metrics.panicked.get()),
        ("fanfare_timed_out_total", "counter", "Attempts that ran into the ack timeout.", |g| {
            g.metrics.timed_out.get()
        }),
        ("fanfare_retried_total", "counter", "Retries that were scheduled.", |g| g.metrics.retried.get()),
        ("fanfare_dead_lettered_total", "counter", "Deliveries given up.", |g| g.metrics.dead_lettered.get()),
        ("fanfare_held_total", "counter", "Keys held behind a newer version.", |g| g.metrics.held.get()),
        ("fanfare_stale_total", "counter", "Settlements refused for an old token.", |g| {
            g.metrics.stale.get()
        }),
        ("fanfare_stuck", "gauge", "Handlers that go on after their timeout.", |g| g.metrics.stuck.get()),
        ("fanfare_in_flight", "gauge", "Records taken and not settled.", |g| g.metrics.in_flight.get()),
        ("fanfare_waiting", "gauge", "Records that wait for a retry or behind one.", |g| {
            g.metrics.waiting.get()
        }),
        ("fanfare_stalls_total", "counter", "Times that too many records waited.", |g| {
            g.metrics.stalls.get()
        }),
    ];
    for (name, kind, help, read) in counters {
        let samples = groups.iter().map(|group| (of_group(group), read(group) as f64)).collect();
        family(name, kind, help, samples);
    }
    let ours: Vec<_> = statuses
        .iter()
        .filter_map(|status| {
            let group = groups.iter().find(|group| *group.name() == status.name)?;
            Some((of_group(group), status))
        })
        .collect();
    let by_status = |read: &dyn Fn(&GroupStatus) -> f64| -> Vec<Sample> {
        ours.iter().map(|(labels, status)| (labels.clone(), read(status))).collect()
    };
    let age = |status: &GroupStatus| {
        status.oldest.map_or(0.0, |oldest| (clock.now().duration_since(oldest)).as_secs_f64().max(0.0))
    };
    family("fanfare_lag", "gauge", "Records not settled.", by_status(&|status| status.lag as f64));
    family(
        "fanfare_oldest_unacknowledged_seconds",
        "gauge",
        "Age of the oldest record that is not settled.",
        by_status(&age),
    );
    family("fanfare_dead_letters", "gauge", "Dead letters kept.", by_status(&|status| status.dead as f64));
    family("fanfare_held_keys", "gauge", "Keys held or parked.", by_status(&|status| status.held as f64));
    if let Some(stats) = stats {
        let one = |value: f64| vec![(String::new(), value)];
        family("fanfare_records", "gauge", "Records kept.", one(stats.records as f64));
        family("fanfare_store_bytes", "gauge", "Bytes on the disk or in memory.", one(stats.bytes as f64));
        family("fanfare_syncs_total", "counter", "Syncs.", one(stats.syncs as f64));
        family("fanfare_sync_seconds_total", "counter", "Time in syncs.", one(stats.sync_time.as_secs_f64()));
        family(
            "fanfare_sync_seconds_max",
            "gauge",
            "The longest of the last 1,024 syncs.",
            one(stats.sync_time_max.as_secs_f64()),
        );
        family(
            "fanfare_repeats_total",
            "counter",
            "Publishes recognised as repeats.",
            one(stats.repeats as f64),
        );
        family(
            "fanfare_repeats_window_cut_total",
            "counter",
            "Publishes whose repeats are no longer recognised because too many came.",
            one(stats.repeats_window_cut as f64),
        );
        family(
            "fanfare_snapshots_failed_total",
            "counter",
            "Snapshots of the state that could not be written.",
            one(stats.snapshots_failed as f64),
        );
        family("fanfare_scheduled", "gauge", "Delayed events not due yet.", one(stats.scheduled as f64));
    }
    text
}

fn of_group(group: &Group) -> String {
    let name = group.name();
    labels(&[("application", name.application()), ("role", name.role()), ("handler", name.handler())])
}

fn labels(labels: &[(&str, &str)]) -> String {
    let mut text = String::from("{");
    for (index, (name, value)) in labels.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let _ = write!(text, "{name}=\"{value}\"");
    }
    text.push('}');
    text
}
