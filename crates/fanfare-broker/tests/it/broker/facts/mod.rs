//! The facts, by what they are about.

mod delivering;
mod groups;
mod mending;
mod publishing;
mod reading;

pub(crate) use delivering::*;
pub(crate) use groups::*;
pub(crate) use mending::*;
pub(crate) use publishing::*;
pub(crate) use reading::*;
