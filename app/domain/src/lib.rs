//! What a status page is, even on paper: the rules, without a clock, a network or a disk.
//!
//! | word | module |
//! |---|---|
//! | component, group, their statuses | [`component`], [`status`] |
//! | incident, update, taking them back, prepared words | [`incident`], [`removal`], [`template`] |
//! | postmortem, follow-up action | [`postmortem`] |
//! | subscriber, the audience of an update | [`subscriber`], [`audience`] |
//! | broadcast, delivery, lane, what an SMTP answer means | [`broadcast`], [`delivery`] |
//! | bounce, complaint, what follows from them | [`bounce`] |
//! | what programs may do | [`key`] |
//! | how fast mail may leave, how much, how fast it does, when it will be out | [`rate`], [`quota`], [`speed`], [`forecast`] |
//! | how a transport fares, what its provider permits | [`health`], [`provider`] |
//! | when refusals are no longer about single people | [`brake`] |
//! | sign-ups in numbers that are not people's, and what tells people | [`surge`], [`challenge`] |
//! | text that people write | [`markdown`] |
//! | addresses, links in mails, identities | [`email_address`], [`token`], [`ids`] |
//! | instants and how people write and read them, months | [`time`], [`month`] |
//! | languages and time zones of those who are written to | [`i18n`] |
//! | what the owner makes of the page: accent colour, logo, sender of mails | [`colour`], [`logo`], [`sender`] |
//! | what forms carry and what can be wrong with it | [`forms`] |
//!
//! Everything that needs the present moment takes it as an argument.

pub mod audience;
pub mod bounce;
pub mod brake;
pub mod broadcast;
pub mod challenge;
pub mod colour;
pub mod component;
pub mod delivery;
pub mod email_address;
pub mod forecast;
pub mod forms;
pub mod health;
pub mod i18n;
pub mod ids;
pub mod incident;
pub mod key;
pub mod logo;
pub mod markdown;
pub mod month;
pub mod postmortem;
pub mod provider;
pub mod quota;
pub mod rate;
pub mod removal;
pub mod sender;
pub mod speed;
pub mod status;
pub mod subscriber;
pub mod surge;
pub mod template;
pub mod time;
pub mod token;
