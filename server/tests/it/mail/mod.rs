//! The queue against a real SMTP server.

mod alerts;
mod connections;
mod content;
mod crash;
mod everyone;
mod faults;
mod life;
mod mended;
mod outbox;
mod queue;
mod quota;
mod rates;
mod removal;
mod session;
mod slow;
mod stage;
mod transport;
