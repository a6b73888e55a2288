//! Finds every mistake before anything is touched, and makes the plan.

use std::{collections::HashMap, panic::Location};

use fanfare_core::{
    Accepts, Claim, Descriptor, GroupName, GroupSpec, Plan, PlannedGroup, Support, Topic, TopicFilter,
    Transport,
};

use super::{App, Mistake, registration::Registration};
use crate::{
    extract::Missing,
    handler::{Order, name_of},
    metrics,
    middleware::{refusal, refusal_on_app},
};

/// What the checks made of the registrations.
pub(super) struct Checked {
    pub(super) plan: Plan,
    /// Each handler's group in the plan, by its index; `None` for one that is a mistake.
    pub(super) groups: Vec<Option<usize>>,
    /// Filters of handlers that take any type.
    pub(super) filters: Vec<TopicFilter>,
    pub(super) handled: Vec<Descriptor>,
    /// Filters, behind the group's name, that match no type which this build knows.
    pub(super) idle_filters: Vec<(String, String)>,
}

/// Makes the plan of an application, and adds what is wrong to its mistakes.
pub(super) fn check(app: &mut App) -> Checked {
    let mut mistakes = std::mem::take(&mut app.mistakes);
    let mut plan = Plan::new(&app.name, &app.role);
    if let Err(error) = GroupName::new(&app.name, &app.role, "handler") {
        mistakes.push(Mistake::somewhere(format!("the application's name or role cannot be: {error}")));
    }
    let (mut filters, mut handled) = (Vec::new(), Vec::new());
    let mut names: HashMap<String, &'static Location<'static>> = HashMap::new();
    let mut groups = vec![None; app.handlers.len()];
    for (handler, group) in app.handlers.iter().zip(&mut groups) {
        let mut wrong = |text: String| mistakes.push(Mistake::new(handler.location, text));
        let name = match (&handler.options.name, name_of(handler.type_name)) {
            (Some(name), _) => name.clone(),
            (None, Ok(name)) => name.to_owned(),
            (None, Err(reason)) => {
                wrong(format!("the handler `{}`: {reason}", handler.type_name));
                continue;
            }
        };
        if let Some(first) = names.insert(name.clone(), handler.location) {
            wrong(format!(
                "another handler is called `{name}` (line {} of {}): they would share one group; give one another name with .named(\"..\")",
                first.line(),
                first.file()
            ));
            continue;
        }
        if !handler.is_portable {
            wrong(format!("`{name}` returns a #[event(local)] event, which cannot leave its process"));
        }
        let chain: Vec<_> = handler.options.chain.0.iter().chain(&app.chain.0).cloned().collect();
        if let Some(refused) =
            refusal(&chain, false).or_else(|| refusal_on_app(&chain, handler.options.order))
        {
            wrong(format!("`{name}`: {refused}"));
        }
        match planned(app, handler, &name) {
            Ok((planned, types)) => {
                handled.extend(types);
                if matches!(handler.accepts, Accepts::Any) {
                    filters.extend(if planned.spec.types.is_empty() {
                        vec![TopicFilter::all()]
                    } else {
                        planned.spec.types.clone()
                    });
                }
                *group = Some(plan.groups.len());
                plan.groups.push(planned);
            }
            Err(text) => wrong(format!("`{name}`: {text}")),
        }
    }
    for (name, location) in &app.delete {
        match group_name(app, name) {
            Ok(name) if plan.groups.iter().any(|group| group.spec.name == name) => {
                mistakes.push(Mistake::new(
                    location,
                    format!("`{name}` is to be deleted, and a handler claims it"),
                ));
            }
            Ok(name) => plan.delete.push(name),
            Err(text) => mistakes.push(Mistake::new(location, text)),
        }
    }
    if let Some((address, location)) = &app.metrics_listen
        && !metrics::is_loopback(address)
    {
        let text = format!(
            "metrics are not served on {address}: name an address of this machine, 127.0.0.1:{}",
            address.port()
        );
        mistakes.push(Mistake::new(location, text));
    }
    topics_agree(handled.iter().chain(&app.types), &mut mistakes);
    plan.types = handled.iter().chain(&app.types).copied().collect();
    let idle_filters = idle_filters(app, &plan, &groups);
    app.mistakes = mistakes;
    Checked { plan, groups, filters, handled, idle_filters }
}

/// Filters that match no type of the plan: misspelt ones, most likely.
fn idle_filters(app: &App, plan: &Plan, groups: &[Option<usize>]) -> Vec<(String, String)> {
    let is_known = |filter: &TopicFilter| plan.types.iter().any(|known| filter.matches(known.event_type));
    let mut idle = Vec::new();
    for (handler, group) in app.handlers.iter().zip(groups) {
        let Some(group) = group.and_then(|group| plan.groups.get(group)) else { continue };
        let is_idle =
            |filter: &&String| TopicFilter::new(filter.as_str()).is_ok_and(|filter| !is_known(&filter));
        let filters = handler.options.types.iter().filter(is_idle);
        idle.extend(filters.map(|filter| (group.spec.name.to_string(), filter.clone())));
    }
    idle
}

/// What a transport cannot do and a handler asks for by name.
pub(super) fn capabilities(
    handlers: &[Registration],
    transport: &dyn Transport,
    mistakes: &mut Vec<Mistake>,
) {
    let can = transport.capabilities();
    let name = can.transport;
    for handler in handlers {
        let mut refuse = |what: &str| {
            mistakes.push(Mistake::new(handler.location, format!("the transport `{name}` cannot do {what}")));
        };
        if handler.options.order == Order::InOrder && can.in_order == Support::No {
            refuse(".in_order(): it has no order over all its records");
        }
        if handler.options.park && can.hold == Support::No {
            refuse(".park(): it does not keep parked keys");
        }
    }
}

/// A missing state, in words.
pub(super) fn missing(handler: &'static Location<'static>, name: &str, missing: &Missing) -> Mistake {
    Mistake::new(handler, format!("`{name}`: {missing}"))
}

/// A group's name from what the user wrote: a handler's name, or all three parts.
fn group_name(app: &App, name: &str) -> Result<GroupName, String> {
    let made = if name.contains('/') { name.parse() } else { GroupName::new(&app.name, &app.role, name) };
    made.map_err(|error| error.to_string())
}

fn planned(app: &App, handler: &Registration, name: &str) -> Result<(PlannedGroup, Vec<Descriptor>), String> {
    let options = &handler.options;
    let group = GroupName::new(&app.name, &app.role, name).map_err(|error| error.to_string())?;
    let narrowed = options.types.iter().map(|filter| TopicFilter::new(filter.as_str()));
    let narrowed: Vec<_> = narrowed.collect::<Result<_, _>>().map_err(|error| error.to_string())?;
    let takes = |name: &str| narrowed.is_empty() || narrowed.iter().any(|filter| filter.matches(name));
    let mut types: Vec<Descriptor> = Vec::new();
    let spec = match handler.accepts {
        Accepts::Types(accepted) => {
            types.extend(accepted.iter().filter(|descriptor| takes(descriptor.event_type)));
            if types.is_empty() {
                return Err("its .types(..) let none of the types through that it takes".to_owned());
            }
            let mut topics: Vec<_> =
                types.iter().map(|descriptor| Topic::from_static(descriptor.topic)).collect();
            topics.sort();
            topics.dedup();
            let of_type = |descriptor: &Descriptor| TopicFilter::new(descriptor.event_type);
            let filters =
                types.iter().map(of_type).collect::<Result<_, _>>().map_err(|error| error.to_string())?;
            GroupSpec::new(group, topics.into_iter().map(TopicFilter::from).collect(), filters)
        }
        // A type may be kept on any topic.
        _ => GroupSpec::new(group, vec![TopicFilter::all()], narrowed),
    };
    let mut planned = PlannedGroup::new(spec);
    planned.is_in_order = options.order == Order::InOrder;
    planned.claim = match (&options.renamed_from, options.start_at) {
        (Some(_), Some(_)) => {
            return Err("it says both .renamed_from(..) and .start_at(..); say one of them".to_owned());
        }
        (Some(name), None) => Claim::RenamedFrom(group_name(app, name)?),
        (None, Some(start)) => Claim::StartAt(start),
        (None, None) => Claim::Unsaid,
    };
    Ok((planned, types))
}

fn topics_agree<'a>(types: impl Iterator<Item = &'a Descriptor>, mistakes: &mut Vec<Mistake>) {
    let mut topics: HashMap<&str, &str> = HashMap::new();
    for descriptor in types {
        let topic = *topics.entry(descriptor.event_type).or_insert(descriptor.topic);
        if topic != descriptor.topic {
            mistakes.push(Mistake::somewhere(format!(
                "two types are called `{}`, one on the topic `{topic}`, one on `{}`",
                descriptor.event_type, descriptor.topic
            )));
        }
    }
}
