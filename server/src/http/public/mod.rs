//! What everyone sees.

pub(super) mod feeds;
pub(super) mod home;
pub(super) mod incident;
pub(super) mod subscribe;
pub(super) mod subscription;
