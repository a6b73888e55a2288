//! What to do with a delivery before its handler starts, and with an attempt after it failed.

use std::time::Duration;

use bytestring::ByteString;
use fanfare_core::{Clock, Delivery, Retry};

use super::{
    group::{Group, Known},
    outcome::Failed,
};

/// What to do with a delivery whose turn it is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Run it.
    Run,
    /// Nobody here takes its type: it counts as settled.
    Unhandled,
    /// A newer build wrote it.
    Hold,
    /// It is not run any more.
    Reject(ByteString),
}

/// Decides without a clock read unless the record expires.
pub(crate) fn before(group: &Group, delivery: &Delivery, clock: &dyn Clock) -> Decision {
    let metadata = &delivery.record.message.metadata;
    match group.known_version(&metadata.event_type) {
        Known::No => return Decision::Unhandled,
        Known::Up(version) if metadata.type_version > version => return Decision::Hold,
        Known::Up(_) | Known::Any => {}
    }
    if let Some(expires) = metadata.expires()
        && *expires <= clock.now()
    {
        return Decision::Reject(format!("expired at {expires} before a handler began with it").into());
    }
    let attempts_max = group.options.retry.attempts();
    if delivery.token.attempt > attempts_max {
        let reason = format!(
            "gave up after {} attempts, the last of which ended with the process",
            delivery.token.attempt - 1
        );
        return Decision::Reject(reason.into());
    }
    Decision::Run
}

/// How long to wait after a failed attempt; `None`: give up.
pub(crate) fn after(retry: &Retry, failed: &Failed, attempt: u32, random: u64) -> Option<Duration> {
    if failed.is_permanent {
        return None;
    }
    let delay = retry.delay_after(attempt, random)?;
    Some(failed.after.unwrap_or(delay))
}

/// Why a delivery was given up.
pub(crate) fn reason(retry: &Retry, failed: &Failed, attempt: u32) -> ByteString {
    if failed.is_permanent {
        return format!("permanent failure: {}", failed.error).into();
    }
    let attempts_max = retry.attempts();
    let plural = if attempt == 1 { "" } else { "s" };
    debug_assert!(attempt >= attempts_max, "a delivery is given up after its last attempt");
    format!("gave up after {attempt} attempt{plural}: {}", failed.error).into()
}
