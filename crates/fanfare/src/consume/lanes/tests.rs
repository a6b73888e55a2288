use std::sync::Arc;

use fanfare_core::{Delivery, Epoch, EventId, Message, Metadata, Place, Recorded, Timestamp, Token, Topic};

use super::{Lanes, State};
use crate::handler::Order;

/// Lanes with this many records of one key, and the tasks.
fn lane_of(count: u64) -> (Lanes, Vec<u32>) {
    let mut lanes = Lanes::new(Order::PerKey, false);
    let tasks = (0..count).map(|position| lanes.add(delivery(position))).collect();
    (lanes, tasks)
}

fn delivery(position: u64) -> Delivery {
    let mut metadata = Metadata::new(EventId::from("1"), "test", "a.happened");
    metadata.key = Some("x".into());
    let message = Message::new(Topic::new("a").unwrap(), metadata, Vec::new().into());
    let place = Place::new(Epoch(1), position, position, position + 1, Timestamp::UNIX_EPOCH);
    Delivery::new(Arc::new(Recorded::new(message, place)), Token::new(position, 1, 1))
}

#[test]
fn what_leaves_behind_a_refused_settlement_leaves_the_others_in_their_order() {
    for (leaving, expected) in [(1, [0, 2]), (2, [0, 1])] {
        let (mut lanes, tasks) = lane_of(3);
        assert_eq!(lanes.pop_ready(), Some(tasks[0]));
        lanes.detach(tasks[0]);
        // The next one is decided without a run, as a key that is held is.
        assert_eq!(lanes.pop_ready(), Some(tasks[1]));
        lanes.get_mut(tasks[1]).unwrap().state = State::Settling;
        lanes.reattach(tasks[0]);
        lanes.wait(tasks[0]);
        assert_eq!(lanes.waiting(), 3);
        lanes.detach(tasks[leaving]);
        lanes.forget(tasks[leaving]);
        if leaving == 2 {
            lanes.recalled(tasks[1]);
        }
        assert_eq!((lanes.waiting(), lanes.len()), (2, 2));
        // A record that comes now stands behind them.
        let last = lanes.add(delivery(9));
        lanes.due(tasks[0]);
        assert_eq!(lanes.waiting(), 0);
        for task in expected.map(|at| tasks[at]).into_iter().chain([last]) {
            assert_eq!(lanes.pop_ready(), Some(task));
            assert_eq!(lanes.pop_ready(), None, "one of a key at a time");
            lanes.detach(task);
            lanes.forget(task);
        }
        assert_eq!(lanes.len(), 0);
    }
}
