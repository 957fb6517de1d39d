//! Who goes first when every processor is busy: whoever answers readers.

#[cfg(target_os = "linux")]
use thread_priority::{
    NormalThreadSchedulePolicy::Batch, ThreadPriority::Crossplatform, ThreadPriorityValue,
    ThreadSchedulePolicy::Normal, set_thread_priority_and_policy, thread_native_id,
};

/// A niceness of 0, on a scale from 0, the nicest, to 99.
#[cfg(target_os = "linux")]
const NICENESS: u8 = 48;

/// The calling thread, and whatever it starts from now on, interrupts nobody: when it has something to do it waits until a
/// processor is free or its turn comes, and then has as much of it as the others. Linux calls it batch scheduling (see
/// sched(7)); elsewhere nothing changes.
pub fn step_back() {
    #[cfg(target_os = "linux")]
    {
        let Ok(niceness) = ThreadPriorityValue::try_from(NICENESS) else { return };
        let stepped = set_thread_priority_and_policy(thread_native_id(), Crossplatform(niceness), Normal(Batch));
        if let Err(error) = stepped {
            tracing::debug!(?error, "A thread keeps the urgency of the others.");
        }
    }
}
