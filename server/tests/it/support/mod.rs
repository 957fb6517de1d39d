//! What tests share.

pub(crate) mod amazon;
pub(crate) mod app;
pub(crate) mod client;
pub(crate) mod company;
pub(crate) mod db;
pub(crate) mod dkim;
pub(crate) mod form;
pub(crate) mod letter;
pub(crate) mod markup;
pub(crate) mod process;
pub(crate) mod smtp;
pub(crate) mod statuspage;
