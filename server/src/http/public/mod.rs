//! What everyone sees.

pub(super) mod badge;
pub(super) mod challenge;
pub(super) mod component;
pub(super) mod feeds;
pub(super) mod history;
pub(super) mod home;
pub(super) mod incident;
pub(super) mod manage_link;
pub(super) mod postmortem;
pub(super) mod robots;
pub(super) mod sitemap;
pub(super) mod statuspage_v2;
pub(super) mod subscribe;
pub(super) mod subscription;
