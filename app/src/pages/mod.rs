//! One file per page, each a pure function of one view model.

pub mod admin;
pub mod badge;
pub mod challenge;
pub mod component;
pub mod confirm;
pub mod error;
pub mod history;
pub mod home;
pub mod incident;
pub mod manage;
pub mod manage_link;
pub mod postmortem;
pub mod sent;
pub mod subscribe;
pub mod unsubscribe;
