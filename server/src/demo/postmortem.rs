//! What the demo company wrote about its late payouts, nine days after.

use domain::{
    forms::{PublishPostmortem, SaveFollowUp, SavePostmortem},
    ids::IncidentId,
    postmortem::Figures,
    time,
};
use jiff::{SignedDuration, Timestamp, ToSpan};

use crate::{
    actions::postmortems,
    error::{Error, Result},
    http::auth::Actor,
    state::AppState,
};

/// Writes and publishes it.
pub(super) async fn fill(state: &AppState, actor: &Actor, id: &IncidentId) -> Result<()> {
    let incident = state.store.incident(id).await?.ok_or(Error::NotFound)?;
    let told = Figures::of(&incident).ok_or(Error::NotFound)?;
    // The first file was refused before anyone looked.
    let started_at = told.started_at - SignedDuration::from_mins(48);
    let detected_at = told.started_at - SignedDuration::from_mins(6);
    let mitigated_at = Some(told.started_at + SignedDuration::from_mins(80));
    let figures = Figures { started_at, detected_at, mitigated_at, resolved_at: told.resolved_at };
    let today = time::utc_date(state.clock.now());
    let follow_up = |text: &str, days: i64, done: bool| SaveFollowUp {
        id: None,
        text: text.to_owned(),
        link: String::new(),
        due: today.checked_add(days.days()).ok().filter(|_| !done),
        done,
    };
    let save = SavePostmortem {
        version: 0,
        author: "Noor Haddad, payments".to_owned(),
        body: body(&figures),
        figures,
        follow_ups: vec![
            follow_up("Split payout files at 4 MB instead of 16 MB", 0, true),
            follow_up("Page the payments team when a file is not acknowledged within ten minutes", 0, true),
            follow_up("Subscribe to the bank’s notices of change and read them in the weekly review", 0, true),
            follow_up("Rehearse a refused file every quarter, with the bank’s test gateway", 30, false),
            follow_up("Show on each payout when its file was acknowledged", 60, false),
        ],
    };
    postmortems::publish(state, actor, id, PublishPostmortem { save, key: None, notify: false }).await?;
    Ok(())
}

fn body(figures: &Figures) -> String {
    let after = |minutes| mark(figures.started_at + SignedDuration::from_mins(minutes));
    let (refused, noticed, told) = (after(0), after(42), after(48));
    let (identified, sent, watched) = (after(83), after(126), after(588));
    format!(
        "## Summary

On the morning of the incident 18,204 payouts left 78 minutes late, because our bank's gateway had begun to refuse files above 5 MB and we send them in one. **No payout was lost or sent twice.** We split the file, sent the parts, and watched the afternoon's run leave on time.

## Impact

Payouts planned for 08:00 UTC arrived between one and two hours late. Card payments, refunds and the API were not affected. Eleven customers wrote to us before we had said anything, which is eleven too many.

| Run | Payouts | Planned | Left | Late by |
|---|--:|---|---|--:|
| Morning | 18,204 | 08:00 UTC | 09:18 UTC | 78 min |
| Afternoon | 17,961 | 16:00 UTC | 16:00 UTC | – |

## Timeline

| When | What happened |
|---|---|
| {refused} | The gateway refuses the first file. Our job logs it and tries again, every five minutes, in silence. |
| {noticed} | A colleague in support asks why payouts are pending. This is when we notice. |
| {told} | **Opened.** The first update on this page. |
| {identified} | **Identified.** The refusal is about the size of the file.[^size] |
| {sent} | **Monitoring.** Five smaller files are acknowledged; the last payout has left. |
| {watched} | **Resolved.** The afternoon's run left on time, in five files. |

## Root cause

The bank lowered its limit from 20 MB to 5 MB that night and had announced it three weeks before, in a notice to an address that nobody reads any more. Our files had grown with our customers:

```text
08:00:04 upload payouts-0800.xml 14.2 MB
08:00:11 refused: 413 payload too large
08:05:11 retry 1 of 288
```

Two things of our own made it worse:

1. The job **retried what could not succeed**. A refusal of this kind is final, and should have been treated as such.
2. **Nobody was paged.** The alert watched for jobs that fail, and a job that retries all day has not failed.

> A retry without an alarm is a way of not finding out.

## What we are doing

What is done and what is not is listed below, and we keep that list up to date.

## Questions we were asked

### Do I have to do anything?

No. Payouts that were pending left by themselves, and their amounts are unchanged.

### Why did the page show nothing at first?

Because we did not know. The page is written by people, and ours were told by support 42 minutes late.

[^size]: The gateway's answer says so plainly; we had it in our logs from the first minute."
    )
}

/// As an author would type it.
fn mark(at: Timestamp) -> String {
    format!("{{time {}}}", time::editable(at))
}
