//! Crash loops over real processes.
//!
//! A child process runs an application on the embedded broker and tells through a pipe what it does. The
//! parent kills it with SIGKILL at random points, starts it again, and judges what was told against what
//! the broker delivers afterwards: every acknowledged event reaches every group, first deliveries keep the
//! order of the key, attempts are never under-counted.
//!
//! ```text
//!   parent  --- stdin: what to publish again --->  child: clients publish, groups handle
//!           <-- stdout: publishing, acked, start, done, ... one line each, before or after the act
//!           --- SIGKILL --->
//! ```

mod judge;
mod parent;
mod random;
mod report;

pub use judge::{Judge, Summary, Violation};
pub use parent::{Run, run_child};
pub use random::Random;
pub use report::{Line, Work};
