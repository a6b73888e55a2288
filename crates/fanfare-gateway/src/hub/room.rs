//! Who is in a channel.

use super::news::News;
use super::outbox::{Item, Outbox, Ticket};
use crate::policy::ChannelKey;
use crate::protocol::{Batch, ClientInfo};
use parking_lot::Mutex;
use slab::Slab;
use std::sync::Arc;
use std::time::Duration;

/// One channel name on one key of a topic, and the subscriptions to it.
#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) channel: String,
    pub(crate) key: ChannelKey,
    members: Mutex<Slab<Member>>,
    /// Who came and went, not told yet.
    pub(super) news: Mutex<News>,
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
    /// Whether only the newest publication counts when several wait.
    pub(crate) is_conflated: bool,
}

impl Room {
    pub(crate) fn new(channel: String, key: ChannelKey) -> Self {
        Self { channel, key, members: Mutex::new(Slab::new()), news: Mutex::default() }
    }

    pub(super) fn add(&self, member: Member) -> usize {
        self.members.lock().insert(member)
    }

    /// Takes a member out; says whether the room is empty now.
    pub(super) fn remove(&self, number: usize) -> bool {
        let mut members = self.members.lock();
        members.try_remove(number);
        members.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.members.lock().len()
    }

    pub(crate) fn publish(&self, batch: &Arc<Batch>) {
        let mut newest = None;
        for (_, member) in self.members.lock().iter() {
            if member.is_conflated {
                let newest = newest.get_or_insert_with(|| batch.newest());
                member.outbox.push_newest(member.ticket, newest);
            } else {
                member.outbox.push(Item::Publications(member.ticket, Arc::clone(batch)));
            }
        }
    }

    pub(crate) fn lost(&self) {
        self.tell(|_| true, Item::Lost);
    }

    /// Tells those who are told of others what is due, unless they are too many; whether more is to come.
    pub(super) fn tell_news(&self, members_max: usize, now: Duration) -> bool {
        let told = self.members.lock().iter().filter(|(_, member)| member.has_join_leave).count();
        if told > members_max {
            return self.news.lock().skip(now);
        }
        let (frame, is_more) = self.news.lock().take(&self.channel, now);
        if let Some(frame) = frame {
            self.tell(|member| member.has_join_leave, |ticket| Item::Told(ticket, frame.clone()));
        }
        is_more
    }

    pub(crate) fn present(&self) -> Vec<Arc<ClientInfo>> {
        self.members.lock().iter().filter_map(|(_, member)| member.presence.clone()).collect()
    }

    fn tell(&self, whom: impl Fn(&Member) -> bool, what: impl Fn(Ticket) -> Item) {
        for (_, member) in self.members.lock().iter().filter(|(_, member)| whom(member)) {
            member.outbox.push(what(member.ticket));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fanfare_core::Topic;
    use futures_util::task::noop_waker;
    use std::task::Context;

    /// The bytes that members of a room which fills are told, for each member.
    fn told_to_each(members: usize, members_max: usize) -> usize {
        let room = Room::new("c".into(), ChannelKey::new(Topic::from_static("t"), "k"));
        let (mut outboxes, mut bytes) = (Vec::new(), 0);
        for number in 0..members {
            let client = format!("client-{number:06}");
            let info = Arc::new(ClientInfo { user: "u".into(), client, connection: None, channel: None });
            let outbox = Arc::new(Outbox::new(usize::MAX));
            room.add(Member {
                outbox: Arc::clone(&outbox),
                ticket: Ticket(1),
                presence: None,
                has_join_leave: true,
                is_conflated: false,
            });
            outboxes.push(outbox);
            room.news.lock().joined(&info, Duration::ZERO);
            if number % 50 == 49 {
                assert!(!room.tell_news(members_max, Duration::ZERO));
                for outbox in &outboxes {
                    let mut items = Vec::new();
                    let _ = outbox.poll_take(&mut Context::from_waker(&noop_waker()), false, &mut items);
                    bytes += items.iter().map(Item::bytes).sum::<usize>();
                }
            }
        }
        bytes / members
    }

    #[test]
    fn what_a_join_costs_grows_with_the_room_no_further_than_to_where_nobody_is_told() {
        let small = told_to_each(200, 200);
        assert!(small > 0);
        assert!(told_to_each(400, usize::MAX) > small * 3 / 2);
        for members in [400, 800, 1_600] {
            assert!(told_to_each(members, 200) <= small, "{members} members");
        }
    }
}
