//! The consumer loop: key lanes, retry, dead letters, back-pressure, once for every transport.
//!
//! ```text
//! transport --take--> Lanes --begin--> Exchange --run--> workers --done--> Exchange --settle--> transport
//!                       ^                                                               |
//!                       +------------------------- retry when due ----------------------+
//! ```
//!
//! `lanes` says what may start, `exchange` carries it to `worker` and the outcome back, `driver` is the task that
//! takes, starts and watches the time, `settle` turns outcomes into settlements, `answers` hears what became of
//! them; `gate` lets suspects run alone; `emulate` makes a poor transport speak the one semantics that the
//! driver knows.

mod answers;
mod decide;
mod driver;
mod emulate;
mod exchange;
mod gate;
mod group;
mod in_flight;
mod lanes;
mod outcome;
mod sequence;
mod settle;
mod slot;
mod timers;
mod watch;
mod worker;

pub(crate) use driver::Driver;
pub(crate) use emulate::{Emulated, made_up_for};
pub(crate) use exchange::Exchange;
pub(crate) use gate::Gate;
pub(crate) use group::{Control, Group, Phase, STUCK_AFTER};
pub(crate) use worker::{Job, work};
