//! Threads of its own for the mail worker.

use std::io;

use tokio::runtime::{Builder, EnterGuard, Runtime};

/// A second runtime. While a broadcast is on its way its tasks never rest, and a runtime whose threads never rest looks only
/// now and then whether somebody asks for a page.
#[derive(Debug)]
pub struct Threads(Option<Runtime>);

impl Threads {
    /// As many as the machine has processors.
    pub fn start() -> io::Result<Self> {
        let runtime = Builder::new_multi_thread().thread_name("mail").enable_all().build()?;
        Ok(Self(Some(runtime)))
    }

    /// Until this is dropped, what the caller spawns runs here.
    pub fn enter(&self) -> Option<EnterGuard<'_>> {
        self.0.as_ref().map(Runtime::enter)
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        // Whoever drops this stands in another runtime and may not wait.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
