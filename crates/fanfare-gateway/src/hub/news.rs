//! Who came and who went, told in batches.
//!
//! Told one by one, a room of a thousand that fills at once would need a million frames. Here what came together is one
//! frame that everybody shares, so that filling costs frames in proportion to the members. Leaving is told a little later
//! than joining: who comes back meanwhile was never away, and who was never told of is not taken back.

use crate::protocol::{ClientInfo, Frame, Replies};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// What a room has not told yet, in the order in which it happened.
#[derive(Debug, Default)]
pub(crate) struct News {
    changes: VecDeque<Change>,
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
        let found = self
            .changes
            .iter()
            .position(|change| change.is_join == is_join && change.info.client == info.client);
        found.is_some_and(|at| self.changes.remove(at).is_some())
    }

    fn add(&mut self, info: &Arc<ClientInfo>, is_join: bool, due: Duration) -> bool {
        self.changes.push_back(Change { info: Arc::clone(info), is_join, due });
        !std::mem::replace(&mut self.is_scheduled, true)
    }

    /// What is due, as one frame; and whether something is still to come.
    pub(super) fn take(&mut self, channel: &str, now: Duration) -> (Option<Frame>, bool) {
        let (mut replies, mut told) = (Replies::default(), 0);
        self.changes.retain(|change| {
            let is_told = change.due <= now && told < Self::TOLD_MAX;
            if is_told {
                told += 1;
                if change.is_join {
                    replies.push_join(channel, &change.info);
                } else {
                    replies.push_leave(channel, &change.info);
                }
            }
            !is_told
        });
        self.is_scheduled = !self.changes.is_empty();
        ((told > 0).then(|| replies.take()), self.is_scheduled)
    }
}

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
}
