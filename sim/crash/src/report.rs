//! What the child tells, one line of JSON each: a line is whole in the pipe before the act it announces.

use serde::{Deserialize, Serialize};

/// A record for the parent. Written with one `write`, so that SIGKILL leaves it whole or absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// The application has started and handles.
    Ready,
    /// A client is about to publish.
    Publishing(Work),
    /// A client holds the receipt.
    Acked {
        /// What was published.
        work: Work,
        /// The revision in the receipt.
        revision: u64,
    },
    /// A handler is about to run.
    Start {
        /// Which group.
        group: String,
        /// The key.
        key: String,
        /// The revision within the key.
        revision: u64,
        /// The attempt, from 1.
        attempt: u32,
        /// The event's id.
        id: String,
    },
    /// A handler has ended; its outcome is not settled yet.
    End {
        /// Which group.
        group: String,
        /// The key.
        key: String,
        /// The revision within the key.
        revision: u64,
        /// The attempt, from 1.
        attempt: u32,
        /// Whether it succeeded.
        is_ok: bool,
    },
    /// Every group has settled everything: the last run's farewell.
    Drained,
    /// One record of the log, told by the last run.
    Logged {
        /// What it holds.
        work: Work,
        /// The revision within the key.
        revision: u64,
    },
}

/// One event of a client.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Work {
    /// The key.
    pub key: String,
    /// Its id: client and number, unique over all runs.
    pub id: String,
}

impl Line {
    /// Writes the line to standard output, whole.
    ///
    /// # Panics
    /// When the parent is gone.
    pub fn tell(&self) {
        use std::{fs::File, io::Write, os::fd::AsFd};
        let mut text = serde_json::to_vec(self).expect("a line encodes");
        text.push(b'\n');
        // Past `Stdout`, whose buffer could cut a line: far below PIPE_BUF, it is one write to the pipe.
        let stdout = std::io::stdout().lock();
        let pipe = stdout.as_fd().try_clone_to_owned().expect("standard output is open");
        File::from(pipe).write_all(&text).expect("the parent reads");
    }
}
