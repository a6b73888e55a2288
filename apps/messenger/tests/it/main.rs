//! The messenger from outside: HTTP and the gateway, against a server of this process.

mod accounts;
mod membership;
mod messages;
mod nobody_else;
mod reading;
mod restart;
mod support;
mod workers;
