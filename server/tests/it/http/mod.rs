//! What people and programs see over HTTP.

mod api;
mod attention;
mod audit;
mod bounces;
mod broadcasts;
mod cache;
mod colleagues;
mod component_pages;
mod components;
mod crowd;
mod events;
mod feeds;
mod findability;
mod follow;
mod front;
mod history;
mod hostile;
mod islands;
mod keys;
mod logo;
mod mail;
mod mails;
mod manage;
mod marks;
mod operations;
mod policy;
mod postmortem_corpus;
mod postmortem_removal;
mod postmortems;
mod publish;
mod security;
mod settings;
mod sign_in;
mod sign_up_flood;
mod sign_ups;
mod statuspage_v2;
mod subscribe;
mod subscriber_import;
mod subscribers;
mod timeline;
mod updates;
mod writing;

/// Every feed.
const FEEDS: [&str; 5] = ["/history.atom", "/history.rss", "/updates.atom", "/updates.rss", "/updates.json"];
