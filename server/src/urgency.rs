//! Who goes first when every processor is busy: whoever answers readers.

#[cfg(target_os = "linux")]
use thread_priority::{
    NormalThreadSchedulePolicy::Batch, ThreadPriority::Crossplatform, ThreadPriorityValue,
    ThreadSchedulePolicy::Normal, set_thread_priority_and_policy, thread_native_id,
};

/// How nice the calling thread is to others, from -20 to 19: see nice(1).
pub fn niceness() -> i32 {
    #[cfg(target_os = "linux")]
    return rustix::process::getpriority_process(None).unwrap_or(0);
    // Elsewhere that is a matter of the whole process.
    #[cfg(not(target_os = "linux"))]
    0
}

/// How much nicer than those that answer readers are the threads of mail and of the embedded database: a tenth of the
/// processor when readers want all of it, which is more mail than any provider takes. Mail loses little otherwise, since it
/// waits for the other end most of the time.
#[cfg(target_os = "linux")]
const STEP: i32 = 10;

/// The calling thread, and whatever it starts from now on, comes after those of this niceness: it is nicer, and it interrupts
/// nobody. When it has something to do it waits until a processor is free or its turn comes. Linux calls that batch scheduling
/// (see sched(7)); elsewhere nothing changes.
pub fn step_behind(niceness: i32) {
    #[cfg(target_os = "linux")]
    {
        let (policy, niceness) = (Normal(Batch), (niceness + STEP).min(19));
        let levels = (0..=99).filter_map(|level| ThreadPriorityValue::try_from(level).ok().map(Crossplatform));
        let mut fitting = levels.filter(|level| level.to_posix(policy).is_ok_and(|nice| nice == niceness));
        let Some(level) = fitting.next() else { return };
        if let Err(error) = set_thread_priority_and_policy(thread_native_id(), level, policy) {
            tracing::debug!(?error, "A thread keeps some of its urgency.");
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = niceness;
}
