//! Who came and who went, told in batches.
//!
//! Told one by one, a room of a thousand that fills at once would need a million frames. Here what came together is one
//! frame that everybody shares, so that filling costs frames in proportion to the members. The bytes still grow with the square of
//! the members, which is why nobody is told in a room of more than [`super::Telling::members_max`]. Leaving is told a little later
//! than joining: who comes back meanwhile was never away, and who was never told of is not taken back.

use crate::protocol::{ClientInfo, Frame, Replies};
use std::borrow::Borrow;
use std::collections::{BTreeMap, HashMap};
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

/// What a room has not told yet.
#[derive(Debug, Default)]
pub(crate) struct News {
    /// In the order in which it happened.
    changes: BTreeMap<u64, Change>,
    /// The change of each client: there is at most one.
    of_client: HashMap<ByClient, u64>,
    next: u64,
    /// Whether somebody is there who will tell.
    is_scheduled: bool,
}

#[derive(Debug)]
struct Change {
    info: Arc<ClientInfo>,
    is_join: bool,
    /// Not to be told before.
    due: Duration,
}

/// Found by the connection that it is.
#[derive(Debug)]
struct ByClient(Arc<ClientInfo>);

impl News {
    /// Changes that one frame tells at most; the next ones wait for the next frame.
    const TOLD_MAX: usize = 500;

    /// Somebody came. Says whether a teller is needed.
    pub(super) fn joined(&mut self, info: &Arc<ClientInfo>, now: Duration) -> bool {
        !self.cancel(info, false) && self.add(info, true, now)
    }

    /// Somebody went. Says whether a teller is needed.
    pub(super) fn left(&mut self, info: &Arc<ClientInfo>, due: Duration) -> bool {
        !self.cancel(info, true) && self.add(info, false, due)
    }

    /// Takes back what was not told yet and is not true any more.
    fn cancel(&mut self, info: &ClientInfo, is_join: bool) -> bool {
        let Some(number) = self.of_client.get(info.client.as_str()) else { return false };
        if self.changes.get(number).is_none_or(|change| change.is_join != is_join) {
            return false;
        }
        self.changes.remove(number);
        self.of_client.remove(info.client.as_str());
        true
    }

    fn add(&mut self, info: &Arc<ClientInfo>, is_join: bool, due: Duration) -> bool {
        self.next += 1;
        self.changes.insert(self.next, Change { info: Arc::clone(info), is_join, due });
        if let Some(older) = self.of_client.insert(ByClient(Arc::clone(info)), self.next) {
            self.changes.remove(&older);
        }
        !std::mem::replace(&mut self.is_scheduled, true)
    }

    /// What is due, as one frame; and whether something is still to come.
    pub(super) fn take(&mut self, channel: &str, now: Duration) -> (Option<Frame>, bool) {
        let mut replies = Replies::default();
        let told = self.remove_due(now, Self::TOLD_MAX, |change| {
            if change.is_join {
                replies.push_join(channel, &change.info);
            } else {
                replies.push_leave(channel, &change.info);
            }
        });
        ((told > 0).then(|| replies.take()), self.is_scheduled)
    }

    /// Forgets what is due; whether something is still to come.
    pub(super) fn skip(&mut self, now: Duration) -> bool {
        self.remove_due(now, usize::MAX, |_| {});
        self.is_scheduled
    }

    fn remove_due(&mut self, now: Duration, max: usize, mut each: impl FnMut(&Change)) -> usize {
        let mut removed = 0;
        self.changes.retain(|_, change| {
            let is_removed = change.due <= now && removed < max;
            if is_removed {
                removed += 1;
                self.of_client.remove(change.info.client.as_str());
                each(change);
            }
            !is_removed
        });
        self.is_scheduled = !self.changes.is_empty();
        removed
    }
}

impl Borrow<str> for ByClient {
    fn borrow(&self) -> &str {
        &self.0.client
    }
}

impl Hash for ByClient {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.client.hash(state);
    }
}

impl PartialEq for ByClient {
    fn eq(&self, other: &Self) -> bool {
        self.0.client == other.0.client
    }
}

impl Eq for ByClient {}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn info(client: &str) -> Arc<ClientInfo> {
        Arc::new(ClientInfo { user: "u".into(), client: client.into(), connection: None, channel: None })
    }

    /// What is told, as `+a` and `-a`.
    fn told(news: &mut News, now: Duration) -> (Vec<String>, bool) {
        let (frame, is_more) = news.take("c", now);
        let lines = frame.map(|frame| String::from_utf8(frame.text().to_vec()).unwrap()).unwrap_or_default();
        let told = lines.lines().map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            let (sign, kind) = if line["push"]["join"].is_object() { ("+", "join") } else { ("-", "leave") };
            format!("{sign}{}", line["push"][kind]["info"]["client"].as_str().unwrap())
        });
        (told.collect(), is_more)
    }

    #[test]
    fn what_came_together_is_one_frame_and_needs_one_teller() {
        let mut news = News::default();
        assert_eq!([news.joined(&info("a"), SECOND), news.joined(&info("b"), SECOND)], [true, false]);
        assert_eq!(told(&mut news, SECOND), (vec!["+a".into(), "+b".into()], false));
        assert!(news.joined(&info("c"), SECOND));
    }

    #[test]
    fn who_went_before_it_was_told_was_never_there_and_who_came_back_was_never_away() {
        let mut news = News::default();
        news.joined(&info("a"), SECOND);
        news.left(&info("a"), 2 * SECOND);
        assert_eq!(told(&mut news, 3 * SECOND), (vec![], false));
        news.left(&info("b"), 5 * SECOND);
        assert_eq!(told(&mut news, 4 * SECOND), (vec![], true));
        news.joined(&info("b"), 4 * SECOND);
        assert_eq!(told(&mut news, 9 * SECOND), (vec![], false));
    }

    #[test]
    fn a_person_who_reconnects_is_told_to_come_before_it_is_told_to_go() {
        let mut news = News::default();
        news.left(&info("old"), 2 * SECOND);
        news.joined(&info("new"), SECOND);
        assert_eq!(told(&mut news, SECOND), (vec!["+new".into()], true));
        assert_eq!(told(&mut news, 2 * SECOND), (vec!["-old".into()], false));
    }

    #[test]
    fn a_frame_tells_so_many_at_most_and_none_is_forgotten() {
        let mut news = News::default();
        for number in 0..News::TOLD_MAX + 1 {
            news.joined(&info(&number.to_string()), SECOND);
        }
        let (first, is_more) = told(&mut news, SECOND);
        assert_eq!((first.len(), is_more), (News::TOLD_MAX, true));
        assert_eq!(told(&mut news, SECOND), (vec![format!("+{}", News::TOLD_MAX)], false));
    }

    #[test]
    fn however_many_went_at_once_each_is_found_when_it_comes_back_and_the_others_are_told() {
        let mut news = News::default();
        let all: Vec<_> = (0..20_000).map(|number| info(&number.to_string())).collect();
        all.iter().for_each(|info| assert_eq!(news.left(info, SECOND), info.client == "0"));
        all.iter().skip(3).rev().for_each(|info| assert!(!news.joined(info, SECOND)));
        assert_eq!((news.changes.len(), news.of_client.len()), (3, 3));
        assert_eq!(told(&mut news, SECOND), (vec!["-0".into(), "-1".into(), "-2".into()], false));
        assert!(news.of_client.is_empty());
    }
}
