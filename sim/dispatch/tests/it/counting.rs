//! What is counted per thread is summed exactly, whoever comes and goes. Two threads have a cell of their own here.

use super::{Placed, beside, check, emit};
use fanfare::dispatch::Dispatcher;

fn emitted(dispatcher: &Dispatcher) -> u64 {
    dispatcher.snapshot().types.iter().map(|one| one.emitted).sum()
}

#[test]
fn what_more_threads_emit_than_have_cells_is_counted_exactly() {
    check(|| {
        let dispatcher = Dispatcher::new();
        dispatcher.on(|_: &Placed| {});
        let others = [(); 3].map(|()| {
            beside(&dispatcher, |dispatcher| {
                emit(&dispatcher);
                emit(&dispatcher);
            })
        });
        emit(&dispatcher);
        others.into_iter().for_each(|other| other.join().unwrap());
        assert_eq!(emitted(&dispatcher), 7);
    });
}

#[test]
fn a_thread_that_takes_the_cell_of_one_that_has_ended_goes_on_with_its_count() {
    check(|| {
        let dispatcher = Dispatcher::new();
        dispatcher.on(|_: &Placed| {});
        let rows = [(); 2].map(|()| {
            beside(&dispatcher, |dispatcher| {
                for _ in 0..3 {
                    let short = beside(&dispatcher, |dispatcher| assert_eq!(emit(&dispatcher), 1));
                    short.join().unwrap();
                }
            })
        });
        rows.into_iter().for_each(|row| row.join().unwrap());
        assert_eq!(emitted(&dispatcher), 6);
    });
}
