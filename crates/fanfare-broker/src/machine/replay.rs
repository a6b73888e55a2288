//! Reading the state back from the journal.

use bytes::Bytes;
use fanfare_core::Place;

use super::{
    catalog::Class,
    identity::{identity, identity_by_id},
    state::Machine,
};
use crate::{
    index::{Entry, NewKey, Print, key_hash},
    journal::Lsn,
    record::{EventPeek, Kind, Malformed, Record, decode_event, peek_event},
};

impl Machine {
    /// Changes the state by a record that was read back, and tells the index of an event.
    pub(crate) fn replay(&mut self, kind: u8, lsn: Lsn, body: &Bytes) -> Result<(), Malformed> {
        if let Some((entry, new_key)) = self.replay_state(kind, lsn, body)? {
            self.index.push_cold(entry, self.catalog.classes(), new_key);
        }
        Ok(())
    }

    /// Changes the state alone, and answers what the index wants to know of an event.
    pub(crate) fn replay_state(
        &mut self,
        kind: u8,
        lsn: Lsn,
        body: &Bytes,
    ) -> Result<Option<(Entry, Option<NewKey>)>, Malformed> {
        let kind = Kind::try_from(kind)?;
        if kind != Kind::Event {
            self.absorb(&Record::decode(kind, body)?);
            return Ok(None);
        }
        let EventPeek { position, offset, revision, recorded_at, class, bypasses_window, message } =
            peek_event(body)?;
        if position != self.next_position {
            return Err(Malformed("its position is not the next one"));
        }
        let undefined = Malformed("its class was never defined");
        let known_class = self.catalog.class(class).ok_or(undefined)?;
        let topic_id = known_class.topic_id;
        let known = message.key.and_then(|key| self.find_key(topic_id, key).1);
        let identity = if bypasses_window {
            None
        } else if message.has_rare {
            let of_class =
                |class: &Class| (class.topic.clone(), class.event_type.clone(), class.type_version);
            let event = decode_event(body, self.epoch, |_| Some(of_class(known_class)))?;
            Some(identity(self.seed, &event.message))
        } else {
            let topic = known_class.topic.as_str();
            Some(identity_by_id(self.seed, topic, message.key, message.source, &message.id))
        };
        let place = Place::new(self.epoch, position, offset, revision, recorded_at);
        let (key, new_key) = self.absorb_event(&place, message.key, class, known, identity);
        Ok(Some((Entry::new(lsn, Print::of(body), class, key), new_key)))
    }

    /// Tells the index of a record that the state has already, from a snapshot.
    pub(crate) fn index_only(&self, kind: u8, lsn: Lsn, body: &Bytes) -> Result<(), Malformed> {
        if Kind::try_from(kind)? != Kind::Event {
            return Ok(());
        }
        let EventPeek { position, class, message, .. } = peek_event(body)?;
        let topic_id = self.catalog.class(class).ok_or(Malformed("its class was never defined"))?.topic_id;
        let key = message.key.map(|key| (key, key_hash(self.seed, topic_id, key)));
        let id = key.and_then(|(key, hash)| self.keys.find(hash, topic_id, key));
        let is_new = id.is_some_and(|id| self.index.read().key_name(id).is_none());
        let new_key = key.filter(|_| is_new).map(|(key, hash)| (hash, topic_id, Self::own(key)));
        if position != self.index.read().end() {
            return Err(Malformed("its position is not the next one"));
        }
        self.index.push_cold(Entry::new(lsn, Print::of(body), class, id), self.catalog.classes(), new_key);
        Ok(())
    }
}
