//! A random life of the file storage on the fault double, judged against a model.

use std::sync::{Arc, Mutex};

use fanfare_broker::journal::{Batch, BatchBuf, Lsn};
use fanfare_broker::storage::file::{FileStorage, Options, open_on};
use fanfare_broker::storage::{Class, Error, ErrorKind, Recovered, Storage};
use fanfare_broker::testing::{FaultDisk, Plant, Rng};

/// A batch as the model knows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Known {
    lsn: Lsn,
    records: Vec<(u8, Vec<u8>)>,
}

impl Known {
    fn of(batch: &Batch) -> Self {
        let records = batch.records().map(|record| (record.kind, record.body.to_vec())).collect();
        Self { lsn: batch.lsn(), records }
    }
}

/// What must and what may be in the folder.
#[derive(Default)]
struct Model {
    batches: Vec<Known>,
    /// How many of them a completed sync covered.
    synced: usize,
    /// How many of them the operating system has.
    written: usize,
    /// The snapshots that may be there; all before the last completed one are gone or passed over.
    snapshots: Vec<(Lsn, Vec<u8>)>,
    snapshot_done: Option<Lsn>,
    /// Where the journal may start.
    starts: Vec<Lsn>,
    epochs: Vec<u64>,
    /// Receipts may have been lost, so none of those epochs may be there.
    must_change_epoch: bool,
}

impl Model {
    fn forget_before(&mut self, start: Lsn) {
        let gone = self.batches.partition_point(|batch| batch.lsn < start);
        self.batches.drain(..gone);
        self.synced = self.synced.saturating_sub(gone);
        self.written = self.written.saturating_sub(gone);
    }
}

struct Life {
    disk: FaultDisk,
    rng: Rng,
    model: Arc<Mutex<Model>>,
    counter: u64,
    entropy: u64,
    /// The entropy of opens that did not come to their end, but may have changed the epoch.
    opened_by_none: Vec<u64>,
    is_lossy: bool,
    segment_bytes: u64,
}

/// Lives a few lives on one disk. `Err` says what was wrong.
pub(crate) fn run(seed: u64, lives: u32, plant: Option<Plant>) -> Result<(), String> {
    let mut rng = Rng::new(seed);
    let disk = FaultDisk::new(rng.next_u64());
    if let Some(plant) = plant {
        disk.plant(plant);
    }
    let segment_bytes = 4096 << rng.below(3);
    let model = Model { starts: vec![Lsn::ZERO], ..Model::default() };
    let mut life = Life {
        disk,
        rng,
        model: Arc::new(Mutex::new(model)),
        counter: seed << 32,
        entropy: 0,
        opened_by_none: Vec::new(),
        is_lossy: false,
        segment_bytes,
    };
    for number in 0..lives {
        life.live().map_err(|wrong| format!("seed {seed}, life {number}: {wrong}"))?;
    }
    Ok(())
}

type Shared = Arc<Mutex<Option<FileStorage>>>;

impl Life {
    fn options(&mut self, is_lossy: bool) -> Options {
        self.entropy = self.rng.next_u64();
        Options::new(self.entropy)
            .segment_bytes(self.segment_bytes)
            .reserve_bytes(self.segment_bytes)
            .lock_wait(std::time::Duration::ZERO)
            .lossy(is_lossy)
    }

    fn live(&mut self) -> Result<(), String> {
        if self.rng.percent(25) {
            let operations = self.rng.below(30);
            self.disk.stop_after(operations);
        }
        let is_lossy = self.rng.percent(20);
        let options = self.options(is_lossy);
        let (storage, recovered) = match open_on(self.disk.disk(), options) {
            Ok(opened) => opened,
            Err(_) if self.disk.is_stopped() => {
                // It gave no receipts, but it may have changed the epoch.
                self.opened_by_none.push(self.entropy);
                self.is_lossy = false;
                self.crash(false);
                return Ok(());
            }
            Err(error) if error.kind() == ErrorKind::Full => {
                self.disk.set_quota(None);
                self.opened_by_none.push(self.entropy);
                return Ok(());
            }
            Err(error) => return Err(format!("open refused: {error}")),
        };
        self.is_lossy = is_lossy;
        match self.judge(&storage, recovered) {
            Err(_) if self.disk.is_stopped() => {
                drop(storage);
                self.crash(false);
                return Ok(());
            }
            judged => judged?,
        }
        let storage: Shared = Arc::new(Mutex::new(Some(storage)));
        if self.rng.percent(60) {
            let operations = self.rng.below(60);
            self.disk.stop_after(operations);
        }
        let steps = self.rng.below(60);
        for _ in 0..steps {
            if let Err(error) = self.step(&storage) {
                if self.disk.is_stopped() || error.kind() == ErrorKind::Poisoned {
                    break;
                }
                if error.kind() == ErrorKind::Full {
                    continue;
                }
                return Err(format!("unexpected failure: {error}"));
            }
        }
        self.end(storage)
    }

    fn end(&mut self, storage: Shared) -> Result<(), String> {
        let storage =
            storage.lock().expect("no test panics while it holds this").take().expect("the storage is there");
        if self.rng.percent(30) && !self.disk.is_stopped() {
            // Also a close that fails may have left the mark; after it, nothing can be missing.
            let is_lossy = std::mem::take(&mut self.is_lossy);
            match Box::new(storage).close_clean() {
                Ok(()) => {
                    let mut model = self.model.lock().expect("no test panics while it holds this");
                    model.synced = model.written;
                    drop(model);
                    self.crash(true);
                }
                Err(_) if self.disk.is_stopped() => self.crash(false),
                Err(error) if error.kind() == ErrorKind::Full => self.crash(false),
                Err(error) if error.kind() == ErrorKind::Poisoned => {
                    self.is_lossy = is_lossy;
                    self.crash(false);
                }
                Err(error) => return Err(format!("close refused: {error}")),
            }
            return Ok(());
        }
        drop(storage);
        self.crash(false);
        Ok(())
    }

    /// The process ends: killed, or with the machine.
    fn crash(&mut self, was_clean: bool) {
        let mut model = self.model.lock().expect("no test panics while it holds this");
        if self.rng.percent(if was_clean { 50 } else { 30 }) {
            self.disk.kill();
        } else {
            self.disk.power_cut();
            model.written = model.synced;
            model.must_change_epoch |= self.is_lossy;
        }
        self.disk.fail_syncs(false);
        self.disk.fail_folder_syncs(false);
    }

    fn step(&mut self, storage: &Shared) -> Result<(), Error> {
        match self.rng.below(104) {
            0..=59 => self.append(storage),
            60..=79 => self.sync(storage),
            80..=87 => self.snapshot(storage),
            88..=90 => {
                let epoch = self.rng.next_u64();
                self.model.lock().expect("no test panics while it holds this").epochs.push(epoch);
                with(storage, |storage| storage.set_epoch(epoch))?;
                self.model.lock().expect("no test panics while it holds this").epochs = vec![epoch];
                Ok(())
            }
            91 => self.release(storage),
            92 => {
                let more = self.rng.below(6 * self.segment_bytes);
                let quota = if self.rng.percent(50) { Some(self.disk.used() + more) } else { None };
                self.disk.set_quota(quota);
                Ok(())
            }
            93 => {
                if self.rng.percent(50) {
                    self.disk.fail_syncs(true);
                } else {
                    self.disk.fail_folder_syncs(true);
                }
                let failed = self.sync(storage);
                self.disk.fail_syncs(false);
                self.disk.fail_folder_syncs(false);
                failed
            }
            _ => self.read(storage),
        }
    }

    fn append(&mut self, storage: &Shared) -> Result<(), Error> {
        let (mut buf, records) = self.make_batch();
        append(storage, &self.model, &mut buf, records)
    }

    fn make_batch(&mut self) -> (BatchBuf, Vec<(u8, Vec<u8>)>) {
        let mut buf = BatchBuf::new();
        let mut records = Vec::new();
        for _ in 0..=self.rng.below(4) {
            self.counter += 1;
            let length = match self.rng.below(50) {
                0 => self.rng.below(2 * self.segment_bytes),
                1..=9 => 0,
                // Of one length, so that batches of different lives have the same bounds.
                10..=34 => 100,
                _ => self.rng.below(600),
            };
            let mut body = self.counter.to_le_bytes().repeat(length as usize / 8 + 1);
            body.truncate(length as usize);
            let kind = self.counter as u8;
            buf.push_bytes(kind, &body);
            records.push((kind, body));
        }
        (buf, records)
    }

    fn sync(&mut self, storage: &Shared) -> Result<(), Error> {
        let syncer = with(storage, |storage| storage.syncer());
        if self.rng.percent(40) {
            let (mut buf, records) = self.make_batch();
            let (storage, model) = (storage.clone(), self.model.clone());
            self.disk.during_next_sync(move || {
                let _ = append(&storage, &model, &mut buf, records);
            });
        }
        let covered = self.model.lock().expect("no test panics while it holds this").written;
        let synced = syncer.sync();
        // A sync that had nothing to do has not run it.
        self.disk.during_next_sync(|| {});
        let synced = synced?;
        let mut model = self.model.lock().expect("no test panics while it holds this");
        model.synced = model.synced.max(covered);
        let end = model.batches.get(covered).map(|next| next.lsn);
        assert!(end.is_none_or(|end| synced >= end), "a sync covers what was appended before it");
        Ok(())
    }

    fn snapshot(&mut self, storage: &Shared) -> Result<(), Error> {
        let snapshots = with(storage, |storage| storage.snapshots());
        let body = self.rng.next_u64().to_le_bytes().repeat(self.rng.below(300) as usize);
        let (lsn, covered) = {
            let mut model = self.model.lock().expect("no test panics while it holds this");
            let at = self.rng.below(model.batches.len() as u64 + 1) as usize;
            let lsn = match model.batches.get(at) {
                Some(batch) => batch.lsn,
                None => with(storage, |storage| storage.end()),
            };
            if model.snapshot_done.is_some_and(|done| lsn <= done) {
                return Ok(());
            }
            model.snapshots.push((lsn, body.clone()));
            (lsn, at)
        };
        snapshots.snapshot(lsn, &body)?;
        let mut model = self.model.lock().expect("no test panics while it holds this");
        model.synced = model.synced.max(covered.min(model.written));
        model.snapshot_done = Some(lsn);
        Ok(())
    }

    fn release(&mut self, storage: &Shared) -> Result<(), Error> {
        let mut model = self.model.lock().expect("no test panics while it holds this");
        let at = self.rng.below(model.batches.len() as u64) as usize;
        let Some(batch) = model.batches.get(at) else { return Ok(()) };
        let before = batch.lsn;
        // Whatever segment begins before it may be where the journal starts.
        let lsns: Vec<Lsn> = model.batches.iter().map(|batch| batch.lsn).collect();
        model.starts.extend(lsns.into_iter().filter(|lsn| *lsn <= before));
        let start = with(storage, |storage| storage.release(before))?;
        assert!(start <= before);
        assert!(model.starts.contains(&start));
        model.starts = vec![start];
        model.forget_before(start);
        Ok(())
    }

    fn read(&mut self, storage: &Shared) -> Result<(), Error> {
        let reader = with(storage, |storage| storage.reader());
        let model = self.model.lock().expect("no test panics while it holds this");
        let at = self.rng.below(model.written as u64) as usize;
        let Some(batch) = model.batches.get(at) else { return Ok(()) };
        let mut lsn = batch.lsn.advance(32);
        for (_, body) in &batch.records {
            lsn = lsn.advance(5);
            assert_eq!(reader.read(lsn, body.len())?, body);
            lsn = lsn.advance(body.len() as u64);
        }
        Ok(())
    }

    /// What was found must be what the model says.
    fn judge(&mut self, storage: &FileStorage, recovered: Recovered) -> Result<(), String> {
        let mut model = self.model.lock().expect("no test panics while it holds this");
        let mut found = Vec::new();
        for batch in recovered.batches {
            found.push(Known::of(&batch.map_err(|error| format!("a batch is damaged: {error}"))?));
        }
        let start = storage.reader().start();
        if !model.starts.contains(&start) {
            return Err(format!("the journal starts at {start}, not at one of {:?}", model.starts));
        }
        model.starts = vec![start];
        model.forget_before(start);
        if found.len() < model.written {
            return Err(format!("{} batches of {} that cannot be lost", found.len(), model.written));
        }
        if model.batches.get(..found.len()) != Some(&found[..]) {
            return Err("other batches than those that were appended".to_owned());
        }
        let snapshot = recovered.snapshot.map(|snapshot| (snapshot.lsn, snapshot.body.to_vec()));
        if snapshot.as_ref().map(|(lsn, _)| *lsn) < model.snapshot_done {
            return Err("the newest snapshot is gone".to_owned());
        }
        if let Some(snapshot) = &snapshot
            && !model.snapshots.contains(snapshot)
        {
            return Err("another snapshot than was written".to_owned());
        }
        if !recovered.report.damaged_snapshots.is_empty() || !recovered.report.unknown_files.is_empty() {
            return Err(format!("{:?}", recovered.report));
        }
        let report = &recovered.report;
        if model.must_change_epoch && model.epochs.contains(&report.epoch) {
            return Err("the epoch is the old one".to_owned());
        }
        let was_told = !model.epochs.is_empty();
        model.epochs.append(&mut self.opened_by_none);
        if was_told && !report.epoch_changed && !model.epochs.contains(&report.epoch) {
            return Err("the epoch changed".to_owned());
        }
        model.epochs = vec![report.epoch];
        model.must_change_epoch = false;
        model.snapshot_done = snapshot.as_ref().map(|(lsn, _)| *lsn);
        model.snapshots = snapshot.into_iter().collect();
        model.synced = found.len();
        model.written = found.len();
        model.batches = found;
        if storage.syncer().synced() != storage.end() {
            return Err("what was recovered is not synced".to_owned());
        }
        Ok(())
    }
}

fn with<T>(storage: &Shared, run: impl FnOnce(&mut FileStorage) -> T) -> T {
    run(storage.lock().expect("no test panics while it holds this").as_mut().expect("the storage is there"))
}

fn append(
    storage: &Shared,
    model: &Mutex<Model>,
    buf: &mut BatchBuf,
    records: Vec<(u8, Vec<u8>)>,
) -> Result<(), Error> {
    with(storage, |storage| {
        let mut model = model.lock().expect("no test panics while it holds this");
        // It may be there from now on, and it is there when the append returned.
        model.batches.push(Known { lsn: storage.end(), records });
        let class = if model.batches.len().is_multiple_of(3) { Class::Bookkeeping } else { Class::Event };
        match storage.append(buf, class) {
            Ok(lsn) => {
                model.written = model.batches.len();
                assert_eq!(model.batches.last().map(|batch| batch.lsn), Some(lsn));
                Ok(())
            }
            Err(error) => {
                if error.kind() != ErrorKind::Poisoned {
                    model.batches.pop();
                }
                Err(error)
            }
        }
    })
}
