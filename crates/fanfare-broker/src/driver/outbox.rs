use std::{
    collections::VecDeque,
    sync::atomic::{AtomicBool, Ordering},
};

use parking_lot::Mutex;

use super::answer::Answer;

/// Answers that one thread gives and callers help with.
///
/// A thread that wakes one caller after the other is put aside for each of them where there are few cores. A
/// caller that was woken and calls again wakes the next ones from inside its executor, for less.
#[derive(Default)]
pub(crate) struct Outbox {
    waiting: Mutex<VecDeque<Answer>>,
    has_waiting: AtomicBool,
}

/// Answers that the thread takes at a time: if it is put aside, only these wait for it.
const TAKEN: usize = 4;
/// Answers that a caller gives on its way.
const HELPED: usize = 32;

impl Outbox {
    /// Gives all of these; nothing waits any more on return, but for what others are giving.
    pub(crate) fn give(&self, answers: &mut Vec<Answer>) {
        if answers.len() <= TAKEN {
            return answers.drain(..).for_each(Answer::give);
        }
        self.waiting.lock().extend(answers.drain(..));
        self.has_waiting.store(true, Ordering::Release);
        while self.give_some::<TAKEN>() {}
    }

    /// Gives a few of those that wait.
    pub(crate) fn help(&self) {
        if self.has_waiting.load(Ordering::Acquire) {
            self.give_some::<HELPED>();
        }
    }

    /// Gives so many at most. `false`: there were none.
    fn give_some<const MAX: usize>(&self) -> bool {
        let mut waiting = self.waiting.lock();
        let some: [_; MAX] = std::array::from_fn(|_| waiting.pop_front());
        if waiting.is_empty() {
            self.has_waiting.store(false, Ordering::Release);
        }
        drop(waiting);
        some.into_iter().flatten().map(Answer::give).count() > 0
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::{Answer, HELPED, Outbox};

    /// Answers that count themselves.
    fn answers(count: usize, given: &Arc<AtomicUsize>) -> Vec<Answer> {
        let answer = |_| {
            let given = given.clone();
            Answer::Other(Box::new(move |_| {
                given.fetch_add(1, Ordering::Relaxed);
            }))
        };
        (0..count).map(answer).collect()
    }

    #[test]
    fn a_caller_that_was_woken_gives_some_of_the_rest_on_its_way() {
        let (outbox, given) = (Arc::new(Outbox::default()), Arc::new(AtomicUsize::new(0)));
        let helped = Arc::new(AtomicUsize::new(0));
        let (caller, before, after) = (outbox.clone(), given.clone(), helped.clone());
        let first = Answer::Other(Box::new(move |_| {
            let known = before.load(Ordering::Relaxed);
            caller.help();
            after.store(before.load(Ordering::Relaxed) - known, Ordering::Relaxed);
        }));
        let mut all = vec![first];
        all.extend(answers(1000, &given));
        outbox.give(&mut all);
        assert_eq!((all.len(), given.load(Ordering::Relaxed)), (0, 1000));
        assert_eq!(helped.load(Ordering::Relaxed), HELPED);
    }

    #[test]
    fn each_answer_is_given_once_however_many_help() {
        let (outbox, given) = (Arc::new(Outbox::default()), Arc::new(AtomicUsize::new(0)));
        std::thread::scope(|scope| {
            scope.spawn(|| (0..200).for_each(|_| outbox.give(&mut answers(100, &given))));
            scope.spawn(|| (0..20_000).for_each(|_| outbox.help()));
        });
        outbox.help();
        assert_eq!(given.load(Ordering::Relaxed), 200 * 100);
    }
}
