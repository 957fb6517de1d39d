//! `/admin/mail`

use app::pages::admin::mail::{self, MailPage, SignUpsView};
use axum::{
    extract::State,
    response::{Html, Response},
};
use tower_sessions::Session;

use super::{console, done};
use crate::{
    actions,
    error::Result,
    http::{auth::Actor, forms::Posted},
    mail::outlook::Outlook,
    state::AppState,
};

/// How many alerts are shown.
const ALERTS: i64 = 20;

/// How mail fares.
pub(crate) async fn show(State(state): State<AppState>, actor: Actor, session: Session) -> Result<Html<String>> {
    draw(&state, &actor, &session).await
}

/// Holds all mail.
pub(crate) async fn hold(State(state): State<AppState>, actor: Actor, session: Session) -> Result<Response> {
    actions::mail::hold(&state, &actor, true).await?;
    done(&session, "All mail is held.", "/admin/mail").await
}

/// Lets it go on.
pub(crate) async fn release(State(state): State<AppState>, actor: Actor, session: Session) -> Result<Response> {
    actions::mail::hold(&state, &actor, false).await?;
    done(&session, "Mail goes out again.", "/admin/mail").await
}

/// Sends a test mail through one of the servers; the page shows what that said.
pub(crate) async fn test(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Posted(fields): Posted,
) -> Result<Response> {
    let transport = fields.get("transport");
    actions::mail::test(&state, &actor, &transport).await?;
    let words = "A test mail to you is in the queue. What became of it stands below.";
    done(&session, words, &format!("/admin/mail#transport-{transport}")).await
}

async fn draw(state: &AppState, actor: &Actor, session: &Session) -> Result<Html<String>> {
    let outlook = Outlook::read(state).await?;
    let mut broadcasts = Vec::new();
    for broadcast in state.store.open_broadcasts().await? {
        let name = state.store.incident(&broadcast.incident).await?.map(|incident| incident.name);
        broadcasts.push((name.unwrap_or_default(), outlook.progress(&broadcast)));
    }
    let now = state.clock.now();
    let queue = state.store.queue_counts(now).await?;
    let alerts = state.store.alerts(ALERTS).await?;
    let page = MailPage {
        console: console(state, actor, session, "/admin/mail").await?,
        now,
        held_since: state.store.mail_held_since().await?,
        captured: state.config().smtp.is_none(),
        transports: outlook.transports(state).await?,
        sign_ups: sign_ups(state).await?,
        queue: queue.into_iter().map(|lane| (lane.lane, lane.waiting, lane.oldest)).collect(),
        broadcasts,
        alerts: alerts.into_iter().map(|alert| (alert.raised_at, alert.message, alert.mailed_at.is_some())).collect(),
    };
    Ok(Html(mail::page(&page)))
}

async fn sign_ups(state: &AppState) -> Result<Option<SignUpsView>> {
    let surge = state.store.surge().await?;
    let (put_off, _) = state.store.owed_letters().await?;
    let traffic = state.store.traffic(state.clock.now()).await?;
    Ok((surge.is_some() || put_off > 0).then_some(SignUpsView { surge, traffic, put_off }))
}
