//! One tail per topic, and the rooms that it feeds.

use super::membership::Membership;
use super::room::{Member, Room};
use super::view::encode;
use crate::policy::{ChannelKey, DynPolicy};
use crate::protocol::{Batch, ClientInfo, Encoded};
use fanfare_core::{ByteString, Clock, Error, Log, Recorded, Tail, Taken, Topic, TopicFilter, Transport};
use futures_util::FutureExt;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::watch;

/// The rooms of one gateway, and the tails that feed them.
pub(crate) struct Hub {
    transport: Arc<dyn Transport>,
    policy: Arc<dyn DynPolicy>,
    topics: Mutex<HashMap<Topic, Feed>>,
    telling: Telling,
    clock: Arc<dyn Clock>,
    /// Set to true when the gateway ends; every tail's task then ends.
    ended: watch::Sender<bool>,
}

/// When who comes and goes is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Telling {
    /// What comes within this time is told together.
    pub(crate) every: Duration,
    /// How much later a leave is told.
    pub(crate) leave_grace: Duration,
    /// In a room where more than so many are told, nobody is.
    pub(crate) members_max: usize,
}

/// A topic that somebody listens to, or did.
struct Feed {
    rooms: HashMap<ByteString, Vec<Arc<Room>>>,
    /// True once the tail stands; `None` when no task runs.
    is_open: Option<watch::Receiver<bool>>,
}

/// Records that one turn of a tail takes at most.
const BATCH_MAX: usize = 256;

impl Hub {
    pub(crate) fn new(
        transport: Arc<dyn Transport>,
        policy: Arc<dyn DynPolicy>,
        telling: Telling,
        clock: Arc<dyn Clock>,
    ) -> Arc<Self> {
        let (topics, ended) = (Mutex::default(), watch::Sender::new(false));
        Arc::new(Self { transport, policy, topics, telling, clock, ended })
    }

    /// Puts a subscription into a channel's room. When this returns the topic's tail stands.
    pub(crate) async fn join(
        self: &Arc<Self>,
        channel: &str,
        key: &ChannelKey,
        member: Member,
    ) -> Result<Membership, Error> {
        let (membership, mut is_open) = self.enter(channel, key, member);
        if is_open.wait_for(|is_open| *is_open).await.is_err() {
            let error = Error::new(fanfare_core::ErrorKind::Unavailable, "failed to follow the topic live");
            return Err(error.with("topic", &key.topic));
        }
        Ok(membership)
    }

    /// Tells a room of a newcomer, soon.
    pub(super) fn joined(self: &Arc<Self>, room: &Arc<Room>, info: &Arc<ClientInfo>) {
        if room.news.lock().joined(info, self.clock.monotonic()) {
            self.tell_soon(room);
        }
    }

    /// Tells a room of who left, once it is clear that they do not just come back.
    pub(super) fn left(self: &Arc<Self>, room: &Arc<Room>, info: &Arc<ClientInfo>) {
        if room.news.lock().left(info, self.clock.monotonic() + self.telling.leave_grace) {
            self.tell_soon(room);
        }
    }

    /// Lives as long as the room has something to tell, or the gateway.
    fn tell_soon(self: &Arc<Self>, room: &Arc<Room>) {
        // Whoever leaves because the runtime ends has nobody to tell.
        let Ok(runtime) = Handle::try_current() else { return };
        let (hub, room) = (Arc::clone(self), Arc::clone(room));
        let mut ended = self.ended.subscribe();
        runtime.spawn(async move {
            loop {
                tokio::select! {
                    _ = ended.wait_for(|ended| *ended) => return,
                    () = hub.clock.sleep(hub.telling.every) => {}
                }
                if !room.tell_news(hub.telling.members_max, hub.clock.monotonic()) {
                    return;
                }
            }
        });
    }

    /// Ends every tail.
    pub(crate) fn end(&self) {
        self.ended.send_replace(true);
    }

    pub(crate) fn log(&self) -> &dyn Log {
        self.transport.log().expect("a gateway is only built on a transport that has a log")
    }

    pub(crate) fn policy(&self) -> &dyn DynPolicy {
        &*self.policy
    }

    fn enter(
        self: &Arc<Self>,
        channel: &str,
        key: &ChannelKey,
        member: Member,
    ) -> (Membership, watch::Receiver<bool>) {
        let mut topics = self.topics.lock();
        let feed =
            topics.entry(key.topic.clone()).or_insert_with(|| Feed { rooms: HashMap::new(), is_open: None });
        let rooms = feed.rooms.entry(key.key.clone()).or_default();
        let room = match rooms.iter().find(|room| room.channel == channel) {
            Some(room) => Arc::clone(room),
            None => {
                let room = Arc::new(Room::new(channel.to_owned(), key.clone()));
                rooms.push(Arc::clone(&room));
                room
            }
        };
        let number = room.add(member);
        let is_open = feed.is_open.get_or_insert_with(|| {
            let (opened, is_open) = watch::channel(false);
            tokio::spawn(Arc::clone(self).follow(key.topic.clone(), opened));
            is_open
        });
        (Membership::new(Arc::clone(self), room, number), is_open.clone())
    }

    /// Hands a publication that is kept nowhere to those who are in the channel now.
    pub(crate) fn push(&self, channel: &str, key: &ChannelKey, publication: Encoded) {
        if let Some(room) = self.room(channel, key) {
            let batch = Batch::of(vec![publication]);
            batch.into_iter().for_each(|batch| room.publish(&Arc::new(batch)));
        }
    }

    /// Who is present in a channel.
    pub(crate) fn present(&self, channel: &str, key: &ChannelKey) -> Vec<Arc<ClientInfo>> {
        self.room(channel, key).map(|room| room.present()).unwrap_or_default()
    }

    /// The channels that somebody is subscribed to, and how many subscriptions each has.
    pub(crate) fn channels(&self) -> Vec<(String, usize)> {
        let topics = self.topics.lock();
        let rooms = topics.values().flat_map(|feed| feed.rooms.values().flatten());
        rooms.map(|room| (room.channel.clone(), room.len())).collect()
    }

    fn room(&self, channel: &str, key: &ChannelKey) -> Option<Arc<Room>> {
        let topics = self.topics.lock();
        let rooms = topics.get(&key.topic)?.rooms.get(&key.key)?;
        rooms.iter().find(|room| room.channel == channel).cloned()
    }

    pub(super) fn leave(&self, room: &Arc<Room>, number: usize) {
        let mut topics = self.topics.lock();
        if !room.remove(number) {
            return;
        }
        let Some(feed) = topics.get_mut(&room.key.topic) else { return };
        if let Some(rooms) = feed.rooms.get_mut(&room.key.key) {
            rooms.retain(|other| !Arc::ptr_eq(other, room));
            if rooms.is_empty() {
                feed.rooms.remove(&room.key.key);
            }
        }
    }

    /// Follows one topic until the gateway ends or the tail fails. A failed tail is told to everybody in the topic:
    /// their clients subscribe again, which opens a new one.
    async fn follow(self: Arc<Self>, topic: Topic, opened: watch::Sender<bool>) {
        let mut ended = self.ended.subscribe();
        let filter = TopicFilter::exactly(&topic);
        tokio::select! {
            _ = ended.wait_for(|ended| *ended) => {}
            result = AssertUnwindSafe(self.pump(&filter, &opened)).catch_unwind() => match result {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::error!(%topic, %error, "the live tail failed; its subscribers subscribe again");
                }
                Err(_) => tracing::error!(%topic, "Policy::view panicked; its subscribers subscribe again"),
            },
        }
        let rooms = self.topics.lock().get_mut(&topic).map(|feed| {
            feed.is_open = None;
            feed.rooms.values().flatten().cloned().collect::<Vec<_>>()
        });
        for room in rooms.into_iter().flatten() {
            room.lost();
        }
    }

    async fn pump(&self, filter: &TopicFilter, opened: &watch::Sender<bool>) -> Result<(), Error> {
        let mut tail: Box<dyn Tail> = self.transport.tail(filter, None).await?;
        opened.send_replace(true);
        let mut records = Vec::new();
        loop {
            let taken = poll_fn(|cx| tail.poll_next(cx, BATCH_MAX, &mut records)).await?;
            self.distribute(&records).await;
            records.clear();
            if taken != Taken::Batch {
                return Ok(());
            }
        }
    }

    /// Hands records to their rooms, those of one key that follow each other in one go.
    async fn distribute(&self, records: &[Arc<Recorded>]) {
        for run in records.chunk_by(|a, b| same_key(a, b)) {
            for room in run.first().map(|record| self.rooms_of(record)).unwrap_or_default() {
                let publications = encode(&*self.policy, &room.channel, &room.key, run).await;
                if let Some(batch) = Batch::of(publications) {
                    room.publish(&Arc::new(batch));
                }
            }
        }
    }

    fn rooms_of(&self, record: &Recorded) -> Vec<Arc<Room>> {
        let Some(key) = &record.message.metadata.key else { return Vec::new() };
        let topics = self.topics.lock();
        let rooms = topics.get(&record.message.topic).and_then(|feed| feed.rooms.get(key));
        rooms.cloned().unwrap_or_default()
    }
}

impl std::fmt::Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hub").finish_non_exhaustive()
    }
}

fn same_key(a: &Recorded, b: &Recorded) -> bool {
    a.message.metadata.key == b.message.metadata.key && a.message.topic == b.message.topic
}
