//! The queue against a real SMTP server.

mod crash;
mod outbox;
mod queue;
mod quota;
mod session;
mod stage;
