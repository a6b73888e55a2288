use std::sync::Arc;

use fanfare_core::{Clock, Epoch, Error, Random};
use parking_lot::Mutex;

use super::{
    core::{Core, Driver, OnFailure, Policy},
    engine::Engine,
    file::{FileDriver, Writer},
    hub::Hub,
    reader::ReadThread,
    snapshots::{Last, damaged},
    store::{Store, lift},
};
use crate::{
    index::{Index, Source},
    journal::{BatchBuf, Lsn},
    machine::{Limits, Machine},
    storage::{Class, Recovered, Report, Storage},
};

/// An empty broker in memory.
pub(crate) fn open_memory(
    clock: Arc<dyn Clock>,
    random: &dyn Random,
    policy: Policy,
    limits: Limits,
) -> Arc<Core> {
    let epoch = Epoch(random.next_u64());
    let index = Arc::new(Index::new());
    let mut machine = Machine::new(epoch, limits, index.clone());
    machine.found(&mut BatchBuf::new(), seed(random));
    let source = Source { index, reader: None, epoch };
    let hub = Arc::new(Hub::default());
    let store = Store::Memory { end: Lsn::ZERO };
    let engine =
        Engine::new(machine, store, source.clone(), hub.clone(), policy.durability, clock.monotonic());
    let driver = Driver::Memory(Box::new(Mutex::new(engine)));
    Arc::new(Core::new(source, hub, clock, policy, driver, None, OnFailure::default()))
}

/// A broker on a storage that was opened.
pub(crate) fn open_file(
    storage: Box<dyn Storage>,
    recovered: Recovered,
    clock: Arc<dyn Clock>,
    random: &dyn Random,
    policy: Policy,
    limits: Limits,
    on_failure: OnFailure,
) -> Result<Arc<Core>, Error> {
    let (snapshots, syncer) = (storage.snapshots(), storage.syncer());
    let Started { mut engine, last, report, source } =
        start(storage, recovered, &*clock, seed(random), policy, limits)?;
    // Recovery may have written: nothing is told to anybody before that is on the disk.
    syncer.sync().map_err(lift)?;
    source.index.set_visible(engine.machine.end());
    let (reads, jobs) = ReadThread::new();
    engine.read_in(reads.clone());
    let driver = Driver::File(FileDriver::new(reads));
    let core = Core::new(source.clone(), engine.hub(), clock, policy, driver, Some(report), on_failure);
    let core = Arc::new(core);
    jobs.start(source, Arc::downgrade(&core))?;
    Writer::new(core.clone(), engine, limits, syncer, snapshots, last).start()?;
    Ok(core)
}

/// An engine whose state was read back.
pub(crate) struct Started {
    pub(crate) engine: Engine,
    pub(crate) last: Option<Last>,
    pub(crate) report: Report,
    pub(crate) source: Source,
}

/// Reads the state back from the newest snapshot and the journal behind it, and the index from the whole
/// journal; then writes down what the start itself changes.
pub(crate) fn start(
    mut storage: Box<dyn Storage>,
    recovered: Recovered,
    clock: &dyn Clock,
    seed: [u64; 2],
    policy: Policy,
    limits: Limits,
) -> Result<Started, Error> {
    let epoch = Epoch(storage.epoch());
    let index = Arc::new(Index::new());
    let last = recovered.snapshot.map(|snapshot| Last { lsn: snapshot.lsn, body: snapshot.body });
    let mut machine = match &last {
        None => Machine::new(epoch, limits, index.clone()),
        Some(last) => Machine::decode(&last.body, epoch, limits, index.clone())
            .map_err(|error| damaged(last.lsn, error))?,
    };
    let tail = last.as_ref().map_or(Lsn::ZERO, |last| last.lsn);
    for batch in recovered.batches {
        let batch = batch.map_err(lift)?;
        for record in batch.records() {
            let body = batch.body(&record);
            let outcome = if batch.lsn() < tail {
                machine.index_only(record.kind, record.lsn, &body)
            } else {
                machine.replay(record.kind, record.lsn, &body)
            };
            outcome.map_err(|error| damaged(record.lsn, error))?;
        }
    }
    let mut out = BatchBuf::new();
    if !machine.is_founded() {
        machine.found(&mut out, seed);
    }
    if !recovered.report.clean {
        machine.recovered(&mut out);
    }
    storage.append(&mut out, Class::Bookkeeping).map_err(lift)?;
    let source = Source { index, reader: Some(storage.reader()), epoch };
    let hub = Arc::new(Hub::default());
    let store = Store::Journal(storage);
    let engine = Engine::new(machine, store, source.clone(), hub, policy.durability, clock.monotonic());
    Ok(Started { engine, last, report: recovered.report, source })
}

/// The seed of a new store; never zero.
fn seed(random: &dyn Random) -> [u64; 2] {
    [random.next_u64() | 1, random.next_u64()]
}
