//! The peers, each on the same work. What differs is said beside each.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    convert::Infallible,
    panic::{AssertUnwindSafe, catch_unwind},
};

use bevy_ecs::prelude::{On, World};
use futures_util::StreamExt;
use ruststream::{
    BytesMut, IncomingMessage, OutgoingMessage, Publisher, Subscriber,
    memory::{MemoryBroker, MemorySubscriber},
};
use signals2::{Connect1, Emit1};

use crate::work::{Sum, Tick, look, nanos, now, tick};

/// What one peer does for an emit, and how it is run.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) work: &'static str,
    pub(crate) make: fn(usize) -> Box<dyn FnMut() -> f64>,
}

/// Those whose handlers run on the caller's thread, before the emit returns.
pub(crate) const SYNC: [Peer; 3] = [
    Peer {
        name: "signals2 0.3",
        work: "one signal, held by the caller: no types looked up, no panic guard; arguments cloned for each slot",
        make: signals,
    },
    Peer {
        name: "signals2 0.3, same work",
        work: "a signal per type in a hash map, each slot with a panic guard",
        make: guarded_signals,
    },
    Peer {
        name: "bevy_ecs 0.20 observers",
        work: "`World::trigger`, exclusive: one thread at a time may emit; no panic guard",
        make: bevy,
    },
];

/// Those whose handlers are futures that are awaited together.
pub(crate) const ASYNC: [Peer; 1] = [Peer {
    name: "basu 0.1",
    work: "found by a string, two async locks held while the handlers run, a box per handler; stops at an error",
    make: basu,
}];

/// Those that hand over: the event is put into a channel or ring and taken out on the same thread by each subscriber.
pub(crate) const CHANNELS: [Peer; 3] = [
    Peer {
        name: "tokio broadcast",
        work: "send, then each receiver takes a clone; no types, no handlers",
        make: broadcast,
    },
    Peer {
        name: "eventador 0.0.18",
        work: "publish into a ring of any type, then each subscriber takes it; no handlers",
        make: eventador,
    },
    Peer {
        name: "ruststream 0.7 memory",
        work: "publish 8 bytes under a name, then each subscriber takes, reads and acknowledges them",
        make: ruststream,
    },
];

fn signals(handlers: usize) -> Box<dyn FnMut() -> f64> {
    let signal = signals2::Signal::<(Tick,)>::new();
    for _ in 0..handlers {
        let sum = Sum::default();
        signal.connect(move |tick| sum.add(tick.n));
    }
    Box::new(move || nanos(|| look(&signal.emit(tick()))))
}

fn guarded_signals(handlers: usize) -> Box<dyn FnMut() -> f64> {
    let signal = signals2::Signal::<(Tick,)>::new();
    for _ in 0..handlers {
        let sum = Sum::default();
        signal.connect(move |tick| look(&catch_unwind(AssertUnwindSafe(|| sum.add(tick.n))).is_ok()));
    }
    let by_type: HashMap<TypeId, Box<dyn Any>> =
        HashMap::from([(TypeId::of::<Tick>(), Box::new(signal) as _)]);
    Box::new(move || {
        nanos(|| {
            let signal = by_type.get(&TypeId::of::<Tick>()).and_then(|signal| signal.downcast_ref());
            signal.map(|signal: &signals2::Signal<(Tick,)>| signal.emit(tick())).expect("there is a signal");
        })
    })
}

#[derive(bevy_ecs::event::Event)]
struct Ticked(u64);

fn bevy(handlers: usize) -> Box<dyn FnMut() -> f64> {
    let mut world = World::new();
    for _ in 0..handlers {
        let sum = Sum::default();
        world.add_observer(move |ticked: On<'_, '_, Ticked>| sum.add(ticked.0));
    }
    world.flush();
    Box::new(move || nanos(|| world.trigger(Ticked(tick().n))))
}

struct Adding(Sum);

#[basu::async_trait]
impl basu::Handle<Tick> for Adding {
    async fn handle(&self, event: &basu::event::Event<Tick>) -> Result<(), basu::error::BasuError> {
        self.0.add(event.data.n);
        Ok(())
    }
}

fn basu(handlers: usize) -> Box<dyn FnMut() -> f64> {
    let bus = basu::EventBus::<Tick>::new();
    for _ in 0..handlers {
        now(bus.subscribe("bench.tick", Box::new(Adding(Sum::default()))));
    }
    Box::new(move || {
        nanos(|| {
            let event = basu::event::Event::new(tick());
            look(&now(bus.publish("bench.tick", &event)).is_ok());
        })
    })
}

fn broadcast(receivers: usize) -> Box<dyn FnMut() -> f64> {
    let (sender, first) = tokio::sync::broadcast::channel(16);
    let mut all = vec![(first, Sum::default())];
    all.resize_with(receivers, || (sender.subscribe(), Sum::default()));
    Box::new(move || {
        nanos(|| {
            let _ = sender.send(tick());
            for (receiver, sum) in &mut all {
                sum.add(receiver.try_recv().map_or(0, |tick| tick.n));
            }
        })
    })
}

fn eventador(subscribers: usize) -> Box<dyn FnMut() -> f64> {
    let bus = eventador::Eventador::new(16).expect("a ring of a power of two");
    let all: Vec<_> = (0..subscribers).map(|_| (bus.subscribe::<Tick>(), Sum::default())).collect();
    Box::new(move || {
        nanos(|| {
            bus.publish(tick());
            all.iter().for_each(|(subscriber, sum)| sum.add(subscriber.recv().n));
        })
    })
}

fn ruststream(subscribers: usize) -> Box<dyn FnMut() -> f64> {
    let broker = MemoryBroker::new();
    let publisher = broker.publisher();
    let mut all: Vec<_> = (0..subscribers).map(|_| (broker.subscribe("tick"), Sum::default())).collect();
    Box::new(move || {
        nanos(|| {
            let payload = BytesMut::from(&tick().n.to_le_bytes()[..]);
            look(&now(publisher.publish(OutgoingMessage::with_payload("tick", payload), None)).is_ok());
            all.iter_mut().for_each(|(subscriber, sum)| take(subscriber, sum));
        })
    })
}

fn take(subscriber: &mut MemorySubscriber, sum: &Sum) {
    let message: Result<_, Infallible> =
        now(std::pin::pin!(subscriber.stream()).next()).expect("it was published");
    let Ok(message) = message;
    let bytes = message.payload().try_into().expect("a number of eight bytes");
    sum.add(u64::from_le_bytes(bytes));
    look(&now(message.ack()).is_ok());
}
