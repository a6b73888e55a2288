use std::sync::Arc;

use bytes::Bytes;
use fanfare_core::{Epoch, Error, ErrorKind, Recorded};

use super::{Entry, Index, Print};
use crate::{
    journal::{Damage, Lsn, RECORD_HEADER_LEN},
    record::decode_event,
    storage::Reader,
};

/// Longest run of neighbours that is read at once, in bytes.
const RUN_MAX: u64 = 1 << 20;

/// Records by position, from memory or from the journal.
#[derive(Clone)]
pub(crate) struct Source {
    pub(crate) index: Arc<Index>,
    /// `None`: what is not in memory is gone.
    pub(crate) reader: Option<Arc<dyn Reader>>,
    pub(crate) epoch: Epoch,
}

/// A position, and its record when it is there in decoded form.
pub(crate) type Found = (u64, Option<Arc<Recorded>>);

impl Source {
    /// One record. May read the disk.
    pub(crate) fn load_one(&self, position: u64) -> Result<Option<Arc<Recorded>>, Error> {
        Ok(self.load(&[position])?.pop())
    }

    /// The records at these ascending positions; those that are not kept are left out. May read the disk,
    /// once per run of neighbours.
    pub(crate) fn load(&self, positions: &[u64]) -> Result<Vec<Arc<Recorded>>, Error> {
        let mut found: Vec<(Entry, Option<Arc<Recorded>>)> = Vec::with_capacity(positions.len());
        {
            let inner = self.index.read();
            for position in positions {
                if let Some(entry) = inner.entry(*position) {
                    found.push((*entry, inner.record(*position).cloned()));
                }
            }
        }
        let mut records = Vec::with_capacity(found.len());
        let mut rest = found.as_slice();
        while let Some(((entry, record), after)) = rest.split_first() {
            if let Some(record) = record {
                records.push(record.clone());
                rest = after;
                continue;
            }
            let run =
                1 + after.iter().zip(rest).take_while(|(next, last)| is_neighbour(entry, last, next)).count();
            let (run, after) = rest.split_at(run);
            self.read_run(run, &mut records)?;
            rest = after;
        }
        Ok(records)
    }

    fn read_run(
        &self,
        run: &[(Entry, Option<Arc<Recorded>>)],
        records: &mut Vec<Arc<Recorded>>,
    ) -> Result<(), Error> {
        let (Some(reader), Some((first, _)), Some((last, _))) = (&self.reader, run.first(), run.last())
        else {
            return Ok(());
        };
        let len = last.lsn.since(first.lsn) + u64::from(last.print.len);
        let bytes = reader
            .read(first.lsn, len as usize)
            .map_err(|error| Error::new(ErrorKind::Io, "read a record from the journal").because(error))?;
        for (entry, _) in run {
            let from = entry.lsn.since(first.lsn) as usize;
            let body = bytes.slice(from..from + entry.print.len as usize);
            // One record that is kept must not keep the whole run.
            let body = if run.len() > 1 { Bytes::copy_from_slice(&body) } else { body };
            if Print::of(&body) != entry.print {
                return Err(damaged(entry, Damage::Checksum));
            }
            let event = decode_event(&body, self.epoch, |class| {
                let inner = self.index.read();
                inner
                    .class(class)
                    .map(|class| (class.topic.clone(), class.event_type.clone(), class.type_version))
            });
            let event = event.map_err(|error| damaged(entry, error))?;
            records.push(Arc::new(event));
        }
        Ok(())
    }
}

fn damaged(entry: &Entry, because: impl std::error::Error + Send + Sync + 'static) -> Error {
    let text = "read a record: its bytes are damaged; restore the folder from a backup";
    Error::new(ErrorKind::Corrupt, text).with("position", entry.lsn).because(because)
}

/// Whether a record that is not in memory follows the one before it in the same batch, so that one read gets
/// both.
fn is_neighbour(
    first: &Entry,
    (last, _): &(Entry, Option<Arc<Recorded>>),
    (next, record): &(Entry, Option<Arc<Recorded>>),
) -> bool {
    let follows: Lsn = last.lsn.advance(u64::from(last.print.len) + RECORD_HEADER_LEN as u64);
    record.is_none() && next.lsn == follows && next.lsn.since(first.lsn) < RUN_MAX
}

#[cfg(test)]
mod tests {
    use fanfare_core::{EventId, Message, Metadata, Place, Timestamp, Topic};

    use super::*;
    use crate::{
        machine::Class,
        record::encode_event,
        storage::{Batches, Error as StorageError},
    };

    /// Some bytes of a journal.
    struct Piece(Bytes);

    impl Reader for Piece {
        fn read(&self, lsn: Lsn, len: usize) -> Result<Bytes, StorageError> {
            let from = lsn.since(Lsn::ZERO) as usize;
            Ok(self.0.slice(from..from + len))
        }

        fn batches(&self, _: Lsn) -> Result<Batches, StorageError> {
            Ok(Batches::new(std::iter::empty()))
        }

        fn start(&self) -> Lsn {
            Lsn::ZERO
        }

        fn end(&self) -> Lsn {
            Lsn::ZERO.advance(self.0.len() as u64)
        }
    }

    #[test]
    fn a_record_that_is_read_with_its_neighbours_does_not_keep_their_bytes() {
        let (epoch, topic) = (Epoch(1), Topic::new("a").unwrap());
        let class =
            Class { topic: topic.clone(), topic_id: 0, event_type: "a.happened".into(), type_version: 1 };
        let index = Arc::new(Index::new());
        let mut bytes = Vec::new();
        for position in 0..3 {
            let from = bytes.len();
            let metadata = Metadata::new(EventId::from("1"), "test", "a.happened");
            let message = Message::new(topic.clone(), metadata, vec![b'x'; 100].into());
            let place = Place::new(epoch, position, position, 0, Timestamp::UNIX_EPOCH);
            encode_event(&mut bytes, &place, 0, false, &message);
            let lsn = Lsn::ZERO.advance(from as u64);
            let entry = Entry::new(lsn, Print::of(&bytes[from..]), 0, None);
            index.push_cold(entry, std::slice::from_ref(&class), None);
            bytes.extend_from_slice(&[0; RECORD_HEADER_LEN]);
        }
        let bytes = Bytes::from(bytes);
        let range = bytes.as_ptr_range();
        let source = Source { index, reader: Some(Arc::new(Piece(bytes))), epoch };
        let is_inside = |record: &Arc<Recorded>| range.contains(&record.message.payload.as_ptr());
        let run = source.load(&[0, 1, 2]).unwrap();
        assert_eq!(run.iter().map(is_inside).collect::<Vec<_>>(), [false; 3]);
        assert!(is_inside(&source.load(&[1]).unwrap()[0]), "alone it is not copied");
    }
}
