//! Brings an application up: opens, plans, prepares, subscribes, spawns.

use std::{collections::HashMap, panic::Location, sync::Arc};

use fanfare_core::{
    Capabilities, Descriptor, ErrorKind, GroupName, HeldKey, PlanReport, Refusals, Support, Transport,
};
use tokio::{net::TcpListener, runtime::Handle, task::JoinSet};

use super::{
    App, Mistake, Running, StartError,
    builder::Source,
    check::{self, Checked},
    registration::Workers,
    running::Parts,
};
use crate::{
    consume::{self, Control, Driver, Emulated, Exchange, Gate, Group},
    extract::Site,
    metrics::GroupMetrics,
    middleware::split,
    publish::{Encoder, Publisher, Storms, Types},
    transports,
};

pub(super) async fn start(mut app: App) -> Result<Running, StartError> {
    let Checked { plan, groups, filters, handled, idle_filters } = check::check(&mut app);
    let (transport, is_ours) = match app.source.take() {
        Some(Source::Given(transport)) => (Some(transport), false),
        Some(Source::Url(url)) => match transports::open(&url, &app.clock, &app.random).await {
            Ok(transport) => (Some(transport), true),
            Err(error) if error.kind() == ErrorKind::Invalid || error.kind() == ErrorKind::Unsupported => {
                app.mistakes.push(Mistake::somewhere(error.to_string()));
                (None, true)
            }
            Err(error) => return Err(StartError::Transport(error)),
        },
        None => {
            app.mistakes.push(Mistake::somewhere(
                "there is no transport; add .transport(\"file:./data\"), or \"memory:\" for one that forgets",
            ));
            (None, true)
        }
    };
    let has_handlers = !app.handlers.is_empty();
    let types = Types::new(handled, app.types.iter().copied(), filters, has_handlers);
    let encoder = Arc::new(Encoder {
        source: app.name.as_str().into(),
        types,
        clock: app.clock.clone(),
        random: app.random.clone(),
        storms: Storms::new(app.storms),
    });
    if let Some(transport) = &transport {
        check::capabilities(&app.handlers, &**transport, &mut app.mistakes);
        app.registry.insert(Publisher::new(transport.clone(), encoder.clone()));
    }

    let mut locations = HashMap::new();
    let mut prepared = Vec::new();
    let handlers = std::mem::take(&mut app.handlers);
    for (handler, group) in handlers.into_iter().zip(groups) {
        // One without a group is a mistake already, and may be another one too.
        let spec = group.and_then(|group| plan.groups.get(group)).map(|planned| planned.spec.clone());
        let name = spec.as_ref().map_or(handler.type_name, |spec| spec.name.handler()).to_owned();
        let chain: Vec<_> = handler.options.chain.0.iter().chain(&app.chain.0).cloned().collect();
        let (chain, mut orders) = split(chain);
        match ((handler.prepare)(&app.registry, chain), spec) {
            (Ok(made), Some(spec)) => {
                locations.insert(spec.name.clone(), handler.location);
                prepared.push((spec, handler.options, handler.accepts, orders.pop(), made));
            }
            (Ok(_), None) => {}
            (Err(missing), _) => app.mistakes.push(check::missing(handler.location, &name, &missing)),
        }
    }
    let Some(transport) = transport.filter(|_| app.mistakes.is_empty()) else {
        return Err(StartError::Mistakes(app.mistakes));
    };
    let report = transport.plan(&plan).await.map_err(|refusals| refused(refusals, &locations))?;
    tell_kept(&*transport);
    tell(&report, &plan.types);
    for (group, filter) in idle_filters {
        tracing::warn!(
            group,
            filter,
            "the filter matches no event type that this build knows; if it is right, make the types known with .event::<E>()"
        );
    }
    tell_panics(cfg!(panic = "abort"));

    let listener = match app.metrics_listen {
        Some((address, _)) => Some(TcpListener::bind(address).await.map_err(StartError::Listen)?),
        None => None,
    };
    let mut subscriptions = Vec::new();
    let gate = transport.commons().and_then(|commons| commons.get_or_init(Gate::new));
    let gate = gate.unwrap_or_else(|| Arc::new(Gate::new()));
    for (spec, options, accepts, order, make) in prepared {
        let mut subscription = transport.subscribe(&spec).await.map_err(StartError::Transport)?;
        let seat = gate.clone().enter(&subscription.suspects);
        let group = Arc::new(Group {
            printed: spec.name.to_string(),
            site: Arc::new(Site {
                handler: spec.name.handler().into(),
                ack_timeout: Some(options.ack_timeout),
                clock: app.clock.clone(),
            }),
            spec,
            options,
            accepts,
            order,
            encoder: encoder.clone(),
            metrics: GroupMetrics::default(),
            clock: app.clock.clone(),
            random: app.random.clone(),
            control: Control::default(),
            is_key_lock_dropped: app.is_key_lock_dropped,
        });
        let goes_on =
            |held: &&HeldKey| !held.is_parked && !group.is_newer(&held.event_type, held.type_version);
        for held in subscription.held.iter().filter(goes_on) {
            let count = subscription.consumer.resume(held).await.map_err(StartError::Transport)?;
            tracing::info!(group = %group.printed, key = ?held.key, count, "a key goes on that waited for this build");
        }
        let consumer = if Emulated::is_needed(&*transport) {
            tell_emulated(&group.printed, transport.capabilities());
            Box::new(Emulated::new(
                subscription.consumer,
                transport.clone(),
                app.clock.clone(),
                group.name().clone(),
            ))
        } else {
            subscription.consumer
        };
        subscriptions.push((group.clone(), consumer, seat, make(group)));
    }
    let mut drivers = JoinSet::new();
    let mut groups = Vec::new();
    for (group, consumer, seat, workers) in subscriptions {
        groups.push(group.clone());
        let exchange = spawn_workers(&group, &workers, &mut drivers);
        let driver = Driver::new(group, seat, exchange, consumer);
        drivers.spawn(driver.run());
    }
    Ok(Running::new(
        Parts {
            publisher: Publisher::new(transport.clone(), encoder.clone()),
            transport,
            encoder,
            groups,
            clock: app.clock,
            drain_timeout: app.drain_timeout,
            is_ours,
        },
        drivers,
        listener,
    ))
}

fn spawn_workers(
    group: &Group,
    workers: &Workers,
    tasks: &mut JoinSet<Result<(), fanfare_core::Error>>,
) -> Arc<Exchange> {
    let count =
        if group.options.order == crate::handler::Order::InOrder { 1 } else { group.options.concurrency_max };
    let exchange = Arc::new(Exchange::new(count, Handle::current().metrics().num_workers()));
    for index in 0..count {
        let worker = workers(exchange.clone(), index);
        tasks.spawn(async move {
            worker.await;
            Ok(())
        });
    }
    exchange
}

/// What the transport refused, each with the line of the handler it concerns.
fn refused(refusals: Refusals, locations: &HashMap<GroupName, &'static Location<'static>>) -> StartError {
    let mistakes = refusals.0.into_iter().map(|refusal| {
        let location = refusal.group.as_ref().and_then(|group| locations.get(group));
        match (location, refusal.group) {
            (Some(location), Some(group)) => {
                Mistake::new(location, format!("group `{group}`: {}", refusal.reason))
            }
            (None, Some(group)) => Mistake::somewhere(format!("group `{group}`: {}", refusal.reason)),
            (_, None) => Mistake::somewhere(refusal.reason),
        }
    });
    StartError::Mistakes(mistakes.collect())
}

/// Says that handlers are not isolated, in a build where they are not.
fn tell_panics(abort: bool) {
    if abort {
        tracing::warn!("built with panic = \"abort\": a panic in one handler ends the whole process");
    }
}

/// Says what this process does in the transport's stead.
fn tell_emulated(group: &str, can: &Capabilities) {
    let of = |(what, support)| match support {
        Support::Emulated(how) => Some(format!("{what}: {how}")),
        _ => None,
    };
    let made_up_for: Vec<String> = consume::made_up_for(can).into_iter().filter_map(of).collect();
    tracing::warn!(
        group,
        transport = can.transport,
        made_up_for = made_up_for.join("; "),
        "the transport lacks some of what handlers are promised; it is made up for in this process"
    );
}

/// Says what the transport keeps, and what its receipts mean.
fn tell_kept(transport: &dyn Transport) {
    let Some(operator) = transport.operator() else { return };
    let (can, stats) = (transport.capabilities(), operator.stats());
    tracing::info!(
        transport = can.transport,
        durability = ?can.durability,
        events = stats.records,
        bytes = stats.bytes,
        "the transport is open; this is what it keeps"
    );
}

/// Says what the plan found.
fn tell(report: &PlanReport, types: &[Descriptor]) {
    for orphan in &report.orphans {
        tracing::warn!(
            group = %orphan.name,
            lag = orphan.lag,
            "no handler claims this group, and its records are kept for it; see .renamed_from(..) and App::delete_group"
        );
    }
    for group in &report.groups {
        let name = &group.name;
        if group.is_new {
            tracing::info!(group = %name, records = group.lag, oldest = ?group.oldest, "a new group starts");
        } else {
            tracing::info!(group = %name, records = group.lag, oldest = ?group.oldest, "the group goes on");
        }
        if group.passed_by > 0 {
            tracing::warn!(group = %name, records = group.passed_by, "older records of topics added to this group are passed by");
        }
    }
    tracing::debug!(types = types.len(), groups = report.groups.len(), "planned");
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    };

    use tracing_subscriber::{Layer, layer::SubscriberExt, util::SubscriberInitExt};

    use super::tell_panics;

    struct Warnings(Arc<AtomicUsize>);

    impl<S: tracing::Subscriber> Layer<S> for Warnings {
        fn on_event(&self, event: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
            self.0.fetch_add(usize::from(*event.metadata().level() == tracing::Level::WARN), Relaxed);
        }
    }

    #[test]
    fn a_build_whose_panics_abort_is_warned_of_and_another_is_not() {
        let warnings = Arc::new(AtomicUsize::new(0));
        let _subscriber = tracing_subscriber::registry().with(Warnings(warnings.clone())).set_default();
        tell_panics(false);
        assert_eq!(warnings.load(Relaxed), 0);
        tell_panics(true);
        assert_eq!(warnings.load(Relaxed), 1);
    }
}
