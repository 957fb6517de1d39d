//! What Tidings looks like: pages and mails drawn from plain values, and the islands that wake in a browser.
//!
//! Everything here is a pure function of one view model. Two halves are built from it: the server's (`ssr`), which draws
//! whole documents, and the browser's (`hydrate`), which holds the islands alone. This file says which module belongs to
//! which half; nothing else in the crate asks.

#[cfg(feature = "ssr")]
pub mod components;
#[cfg(feature = "ssr")]
pub mod emails;
pub mod islands;
#[cfg(feature = "ssr")]
pub mod layout;
#[cfg(feature = "ssr")]
pub mod pages;
#[cfg(feature = "ssr")]
pub mod render;
#[cfg(feature = "ssr")]
pub mod site;
/// Who knows the time zones: a browser by itself, the server by the database it was built with.
#[cfg(feature = "hydrate")]
mod zones;
#[cfg(not(feature = "hydrate"))]
use domain::time as zones;

/// Gets the browser ready; the loader then wakes each island of the page.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    leptos::mount::hydrate_islands();
}
