//! How an application starts: mistakes, groups, suspects; and what it tells of itself.

mod groups;
mod mistakes;
mod observed;
mod suspects;
