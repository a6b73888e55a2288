//! How an application starts: mistakes, groups, suspects; and what it tells of itself.

mod groups;
mod lifecycle;
mod mistakes;
mod observed;
mod suspects;
