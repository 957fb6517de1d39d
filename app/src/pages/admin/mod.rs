//! The console: where the people on call post, see who will get it, and see that it went out.
//!
//! ```text
//! shell          the frame: rail, flash, skip link            fields         labels, hints, errors, kept values
//! update_fields  the form of an update, for two pages         review         what it will look like, who gets it, when
//! ```

pub mod account;
pub mod aids;
pub mod attention;
pub mod audit;
pub mod broadcast;
pub mod broadcasts;
pub mod component_form;
pub mod components;
pub mod confirm;
pub mod dashboard;
pub mod details;
mod fields;
pub mod group_form;
pub mod incident;
pub mod incident_new;
pub mod incidents;
pub mod kept;
pub mod keys;
pub mod mail;
pub mod outbox;
pub mod password;
pub mod postmortem;
mod postmortem_fields;
pub mod postmortems;
pub mod recipients;
pub mod removal;
pub mod review;
pub mod said;
pub mod settings;
pub mod shell;
pub mod sign_in;
pub mod signed_out;
pub mod subscriber;
pub mod subscriber_import;
pub mod subscriber_new;
pub mod subscribers;
pub mod suppressions;
pub mod templates;
#[cfg(test)]
mod tests;
pub mod update_edit;
mod update_fields;
