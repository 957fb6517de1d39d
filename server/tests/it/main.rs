//! Every test that needs a socket, a database or a process; one binary, so that it links once.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where and stop")]

mod http;
mod mail;
mod process;
mod store;
mod support;
