use std::sync::Arc;

use fanfare_core::{Clock, Epoch, Error, Random};
use parking_lot::Mutex;

use super::{
    core::{Core, Driver, Policy},
    engine::Engine,
    hub::Hub,
    store::Store,
};
use crate::{
    index::{Index, Source},
    journal::{BatchBuf, Lsn},
    machine::{Limits, Machine},
};

/// An empty broker in memory.
pub(crate) fn open_memory(
    clock: Arc<dyn Clock>,
    random: &dyn Random,
    policy: Policy,
    limits: Limits,
) -> Result<Arc<Core>, Error> {
    let epoch = Epoch(random.next_u64());
    let index = Arc::new(Index::new());
    let mut machine = Machine::new(epoch, limits, index.clone());
    machine.found(&mut BatchBuf::new(), seed(random));
    let source = Source { index, reader: None, epoch };
    let hub = Arc::new(Hub::default());
    let store = Store::Memory { end: Lsn::ZERO };
    let engine =
        Engine::new(machine, store, source.clone(), hub.clone(), policy.durability, clock.monotonic());
    Ok(Arc::new(Core::new(source, hub, clock, policy, Driver::Memory(Mutex::new(engine)))))
}

/// The seed of a new store; never zero.
fn seed(random: &dyn Random) -> [u64; 2] {
    [random.next_u64() | 1, random.next_u64()]
}
