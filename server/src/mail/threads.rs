//! Threads of its own for the mail worker.

use std::{future::poll_fn, io, thread};

use tokio::runtime::{Builder, EnterGuard, Runtime};

use crate::urgency;

/// A second runtime. While a broadcast is on its way its tasks never rest, and a runtime whose threads never rest looks only
/// now and then whether somebody asks for a page.
#[derive(Debug)]
pub struct Threads(Option<Runtime>);

impl Threads {
    /// As many as the machine has processors.
    pub fn start() -> io::Result<Self> {
        let niceness = urgency::niceness();
        let runtime = Builder::new_multi_thread()
            .thread_name("mail")
            .on_thread_start(move || urgency::step_behind(niceness))
            .enable_all()
            .build()?;
        Ok(Self(Some(runtime)))
    }

    /// Until this is dropped, what the caller spawns runs here.
    pub fn enter(&self) -> Option<EnterGuard<'_>> {
        self.0.as_ref().map(Runtime::enter)
    }
}

/// A task that gives its processor up after each step to whoever waits for it. Sending as fast as it can, a mail thread would
/// keep it for its turn of the kernel's scheduler, a millisecond or more, which is long for a reader.
pub(super) async fn giving_way<F: Future>(task: F) -> F::Output {
    let mut task = Box::pin(task);
    poll_fn(|context| {
        let step = task.as_mut().poll(context);
        thread::yield_now();
        step
    })
    .await
}

impl Drop for Threads {
    fn drop(&mut self) {
        // Whoever drops this stands in another runtime and may not wait.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
