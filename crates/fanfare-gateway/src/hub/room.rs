//! Who is in a channel.

use super::outbox::{Item, Outbox, Ticket};
use crate::policy::ChannelKey;
use crate::protocol::{ClientInfo, Encoded};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;

/// One channel name on one key of a topic, and the subscriptions to it.
#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) channel: String,
    pub(crate) key: ChannelKey,
    members: Mutex<Members>,
}

#[derive(Debug, Default)]
struct Members {
    next: u64,
    by_number: HashMap<u64, Member>,
}

/// One subscription to a room.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) ticket: Ticket,
    /// How others see it, when the room shows presence.
    pub(crate) presence: Option<Arc<ClientInfo>>,
    /// Whether others are told of it, and it of others.
    pub(crate) has_join_leave: bool,
}

impl Room {
    pub(crate) fn new(channel: String, key: ChannelKey) -> Self {
        Self { channel, key, members: Mutex::default() }
    }

    pub(super) fn add(&self, member: Member) -> u64 {
        let mut members = self.members.lock();
        members.next += 1;
        let number = members.next;
        members.by_number.insert(number, member);
        number
    }

    /// Takes a member out; says whether the room is empty now.
    pub(super) fn remove(&self, number: u64) -> (Option<Member>, bool) {
        let mut members = self.members.lock();
        (members.by_number.remove(&number), members.by_number.is_empty())
    }

    pub(crate) fn len(&self) -> usize {
        self.members.lock().by_number.len()
    }

    pub(crate) fn publish(&self, publications: &[Encoded]) {
        for member in self.members.lock().by_number.values() {
            for publication in publications {
                member.outbox.push(Item::Publication(member.ticket, publication.clone()));
            }
        }
    }

    pub(crate) fn lost(&self) {
        self.tell(|_| true, Item::Lost);
    }

    pub(crate) fn joined(&self, info: &Arc<ClientInfo>) {
        self.tell(|member| member.has_join_leave, |ticket| Item::Join(ticket, Arc::clone(info)));
    }

    pub(crate) fn left(&self, info: &Arc<ClientInfo>) {
        self.tell(|member| member.has_join_leave, |ticket| Item::Leave(ticket, Arc::clone(info)));
    }

    pub(crate) fn present(&self) -> Vec<Arc<ClientInfo>> {
        self.members.lock().by_number.values().filter_map(|member| member.presence.clone()).collect()
    }

    fn tell(&self, whom: impl Fn(&Member) -> bool, what: impl Fn(Ticket) -> Item) {
        for member in self.members.lock().by_number.values().filter(|member| whom(member)) {
            member.outbox.push(what(member.ticket));
        }
    }
}
