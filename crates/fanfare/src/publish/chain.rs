//! The storm guard: how deep a chain of causes is, and whether it runs in a circle.
//!
//! Each output carries the steps that led to it, in the extension `causationchain`: handler and a digest of type and
//! key, `reserve_stock:1a2b3c4d,..`, at most [`DEPTH_MAX`] of them.

use std::{
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
};

use fanfare_core::{Extension, Metadata};

/// How many handlings may lead to an event.
pub(crate) const DEPTH_MAX: u16 = 64;
/// How often the same handler may come back to the same type and key within one chain.
pub(crate) const LOOP_MAX: usize = 8;

const CHAIN: &str = "causationchain";

/// A chain that went too far.
#[derive(Debug)]
pub(crate) struct Storm {
    depth: u16,
    again: usize,
    chain: String,
}

impl fmt::Display for Storm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.again >= LOOP_MAX {
            write!(
                f,
                "storm guard: the same handler came back to the same type and key {} times in one chain; ",
                self.again
            )?;
        } else {
            write!(f, "storm guard: the chain of causes is {} deep, {DEPTH_MAX} at most; ", self.depth)?;
        }
        write!(f, "publish with .new_root() if that is meant; chain: {}", self.chain)
    }
}

/// The chain of an output: the cause's own, and the step that made it.
pub(crate) fn extend(cause: &Metadata, handler: &str) -> Result<(u16, String), Storm> {
    let depth = cause.causation_depth.saturating_add(1);
    let step = format!("{handler}:{:08x}", digest(cause));
    let so_far = match cause.extension(CHAIN) {
        Some(Extension::Text(chain)) => &**chain,
        _ => "",
    };
    let again = so_far.split(',').filter(|known| *known == step).count();
    let chain = if so_far.is_empty() { step } else { format!("{so_far},{step}") };
    if depth > DEPTH_MAX || again >= LOOP_MAX {
        return Err(Storm { depth, again, chain });
    }
    Ok((depth, chain))
}

/// Puts the chain into an output.
pub(crate) fn attach(metadata: &mut Metadata, depth: u16, chain: &str) {
    metadata.causation_depth = depth;
    metadata.set_extension(CHAIN, Extension::Text(chain.into()));
}

fn digest(cause: &Metadata) -> u32 {
    // The same on every build of one standard library; a change of it only forgets the loops under way.
    let mut hasher = DefaultHasher::new();
    cause.event_type.hash(&mut hasher);
    cause.key.as_deref().hash(&mut hasher);
    (hasher.finish() >> 32) as u32
}
