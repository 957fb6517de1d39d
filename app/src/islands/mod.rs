//! The few parts of the console that move by themselves. Each page works without them.
//!
//! The server draws an island as it draws anything else; the same function then wakes it in a browser. What an island
//! asks of the server is the same JSON that every other program gets.

mod ask;
pub mod audience_count;
pub mod countdown;
pub mod delivery_progress;
pub mod draft_keeper;
pub mod glance;
pub mod markdown_preview;
mod text_area;
mod words;

pub use audience_count::AudienceCount;
pub use countdown::Countdown;
pub use delivery_progress::DeliveryProgress;
pub use draft_keeper::DraftKeeper;
pub use glance::Glance;
pub use markdown_preview::MarkdownPreview;
#[cfg(feature = "ssr")]
pub(crate) use text_area::plain_text_area;
pub use words::{people, thousands};
