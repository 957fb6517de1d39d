//! The program as operators run it: real processes, real signals, real mail servers.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so by failing")]

mod cli;
mod clients;
mod console;
mod crash;
mod dkim;
mod import;
mod import_cstate;
mod import_statuspage;
mod keygen;
mod mail_test;
mod nodes;
mod schemathesis;
mod shutdown;
mod sink;
mod urgency;
