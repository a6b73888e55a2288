//! One subscription: buffering while it is being made, checking positions while it lives.
//!
//! ```text
//! Joining: live publications are buffered  --answer-->  merged with what the log gave  --> Live { offset }
//! Live:    offset + 1 is delivered, what is older skipped, a gap ends the subscription
//! ```

use super::by_server::Told;
use super::effect::{Joined, Resume};
use crate::hub::{Membership, Ticket};
use crate::lifecycle::Subscribed;
use crate::policy::Grant;
use crate::protocol::{Batch, ClientInfo, Encoded, SubscribeResult, Unsubscribe};
use std::sync::Arc;
use std::time::Duration;

#[derive(Debug)]
pub(super) struct Subscription {
    pub(super) channel: String,
    pub(super) ticket: Ticket,
    pub(super) is_server_side: bool,
    pub(super) state: State,
}

#[derive(Debug)]
pub(super) enum State {
    Joining(Joining),
    Live(Box<Live>),
}

#[derive(Debug)]
pub(super) struct Joining {
    /// The command to answer; 0 for a subscription that the server made.
    pub(super) id: u32,
    pub(super) resume: Option<Resume>,
    /// Answer with an error rather than without what was missed.
    pub(super) refuses_unrecovered: bool,
    pub(super) buffer: Buffer,
    /// An unsubscribe command that came meanwhile and wins.
    pub(super) unsubscribed: Option<u32>,
    /// The application took the channel away meanwhile: nothing of it is told.
    pub(super) taken_away: Option<Unsubscribe>,
    /// Who gave it, and waits.
    pub(super) told: Vec<Told>,
}

#[derive(Debug)]
pub(super) struct Live {
    pub(super) membership: Membership,
    pub(super) grant: Grant,
    /// Whether a token of the application made it.
    pub(super) has_token: bool,
    pub(super) info: Arc<ClientInfo>,
    pub(super) epoch: String,
    /// The newest offset that the client has, or was told of.
    pub(super) offset: u64,
    /// The end on the steady clock, grace included.
    pub(super) ends_at: Option<Duration>,
    /// Tells of the end when it is dropped.
    pub(super) _told: Option<Subscribed>,
}

/// Live publications that come before the answer, bounded.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    publications: Vec<Encoded>,
    bytes: usize,
    is_incomplete: bool,
}

/// What becomes of live publications.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// All of them are new.
    All,
    /// So many of the first are known already.
    Skip(usize),
    Gap,
}

/// What the log and the buffer say together.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Merged {
    /// Everything since the client's position, up to this one.
    Recovered(u64),
    /// Not recovered, or not asked for; this is where the client stands now.
    Fresh(u64),
    /// What came live does not follow what the log gave.
    Gap,
}

impl Buffer {
    /// More than any recovery brings; who is that far behind starts anew.
    const MAX: usize = 4_096;
    const BYTES_MAX: usize = 2 << 20;

    pub(super) fn lose(&mut self) {
        self.publications = Vec::new();
        self.is_incomplete = true;
    }

    fn push(&mut self, publication: Encoded) {
        self.bytes += publication.frame.bytes().len();
        if self.publications.len() >= Self::MAX || self.bytes > Self::BYTES_MAX {
            self.lose();
        } else if !self.is_incomplete {
            self.publications.push(publication);
        }
    }
}

impl Subscription {
    pub(super) fn deadline(&self) -> Option<Duration> {
        match &self.state {
            State::Live(live) => live.ends_at,
            State::Joining(_) => None,
        }
    }

    pub(super) fn publications(&mut self, batch: &Batch) -> Verdict {
        match &mut self.state {
            State::Joining(joining) => {
                // Without an offset there is nothing to order it by, and nobody is subscribed yet.
                for publication in batch.publications.iter().filter(|publication| publication.offset > 0) {
                    joining.buffer.push(publication.clone());
                }
                Verdict::Skip(batch.publications.len())
            }
            State::Live(live) => live.publications(&batch.publications),
        }
    }
}

impl Live {
    /// What a client is told of it that was told before.
    pub(super) fn as_answered(&self) -> SubscribeResult {
        let is_recoverable = self.grant.is_recoverable;
        SubscribeResult {
            is_recoverable,
            epoch: if is_recoverable { self.epoch.clone() } else { String::new() },
            offset: if is_recoverable { self.offset } else { 0 },
            data: self.grant.data.clone(),
            ..SubscribeResult::default()
        }
    }

    fn publications(&mut self, publications: &[Encoded]) -> Verdict {
        let (Some(first), Some(last)) = (publications.first(), publications.last()) else {
            return Verdict::Skip(0);
        };
        if first.offset == 0 {
            return Verdict::All;
        }
        let is_dense = last.offset - first.offset + 1 == publications.len() as u64;
        if self.grant.is_recoverable && (!is_dense || first.offset > self.offset + 1) {
            return Verdict::Gap;
        }
        let known = publications.iter().take_while(|publication| publication.offset <= self.offset).count();
        self.offset = self.offset.max(last.offset);
        if known == 0 { Verdict::All } else { Verdict::Skip(known) }
    }
}

/// Joins what the log gave with what came live meanwhile. On success `joined.recovered` holds the whole.
pub(super) fn merge(joined: &mut Joined, buffer: Buffer, resume: Option<&Resume>) -> Merged {
    if buffer.is_incomplete {
        return Merged::Gap;
    }
    let newest_buffered = buffer.publications.last().map_or(0, |publication| publication.offset);
    let Some(recovered) = &mut joined.recovered else {
        return Merged::Fresh(joined.top.max(newest_buffered));
    };
    recovered.extend(buffer.publications);
    recovered.sort_by_key(|publication| publication.offset);
    recovered.dedup_by_key(|publication| publication.offset);
    let since = resume.map_or(joined.top, |resume| resume.offset);
    recovered.retain(|publication| publication.offset > since);
    let is_dense =
        recovered.iter().zip(since + 1..).all(|(publication, expected)| publication.offset == expected);
    let offset = recovered.last().map_or(since, |publication| publication.offset);
    if is_dense && offset >= joined.top { Merged::Recovered(offset) } else { Merged::Gap }
}
