//! How mail fares: the way out and its limits, what waits and why, and the switch that holds everything.

use domain::{
    broadcast::{Lane, Progress},
    delivery::DeliveryState,
    health::Condition,
    provider::Provider,
    surge::{Cause, Surge, Traffic},
    time,
};
use jiff::Timestamp;
use leptos::prelude::*;

use super::{
    broadcast::watched,
    dashboard::captured,
    fields::danger,
    shell::{Console, document},
};
use crate::{
    components::{dated, timestamp},
    islands::thousands,
};

/// What the page shows.
#[derive(Clone, Debug)]
pub struct MailPage {
    /// The frame.
    pub console: Console,
    /// The present moment.
    pub now: Timestamp,
    /// Since when everything is held, if it is.
    pub held_since: Option<Timestamp>,
    /// Whether mail is kept on disk because no mail server is configured.
    pub captured: bool,
    /// The ways out.
    pub transports: Vec<TransportView>,
    /// A surge of sign-ups, and what is left of one.
    pub sign_ups: Option<SignUpsView>,
    /// How many mails wait in each lane, and since when the oldest does.
    pub queue: Vec<(Lane, i64, Option<Timestamp>)>,
    /// Broadcasts on their way, with the names of their incidents.
    pub broadcasts: Vec<(String, Progress)>,
    /// What the owners were told lately, newest first, and whether by letter.
    pub alerts: Vec<(Timestamp, String, bool)>,
}

/// Sign-ups that are checked, and those that are put off.
#[derive(Clone, Debug)]
pub struct SignUpsView {
    /// The surge, if it lasts.
    pub surge: Option<Surge>,
    /// How many sign up.
    pub traffic: Traffic,
    /// How many requests are put off.
    pub put_off: i64,
}

/// One way out.
#[derive(Clone, Debug)]
pub struct TransportView {
    /// `main` or `alert`.
    pub name: &'static str,
    /// Where mail goes, without a password; empty when it is kept.
    pub address: String,
    /// What is the matter.
    pub condition: Condition,
    /// In the server's words.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
    /// When it is tried next, if it is not used freely.
    pub next_try: Option<Timestamp>,
    /// How much of the rate is used at present, in percent.
    pub pace: u32,
    /// `14/s`
    pub rate: String,
    /// Who says so: `as set`.
    pub rate_from: &'static str,
    /// What broadcasts use of it.
    pub bulk_rate: String,
    /// The most connections at once, of one node.
    pub connections: usize,
    /// Who says so.
    pub connections_from: &'static str,
    /// After how many mails a connection is renewed because the server was seen to close after some.
    pub cap: Option<u32>,
    /// The quota, if there is one.
    pub quota: Option<QuotaView>,
    /// Who says so.
    pub quota_from: &'static str,
    /// Who signs what goes this way and with which keys, if Tidings does: `example.com`, `tidings1 (ed25519)`.
    pub signer: Option<(String, String)>,
    /// Whose server it is, if its name tells.
    pub provider: Option<&'static Provider>,
    /// What became of the last test, in the server's words, and when.
    pub test: Option<(DeliveryState, String, Timestamp)>,
}

/// What is left of a quota.
#[derive(Clone, Debug)]
pub struct QuotaView {
    /// How many mails the provider allows.
    pub mails: i64,
    /// How many were used.
    pub used: i64,
    /// How many of those that it carries last may still use.
    pub left: i64,
    /// `in 24 hours`
    pub window: &'static str,
}

/// Draws the page.
pub fn page(model: &MailPage) -> String {
    document(&model.console, "Mail queue", || {
        let now = model.now;
        view! {
            <h1>"Mail queue"</h1>
            {model.captured.then(captured)}
            {model.held_since.map(|since| held(since, now))}
            {model.sign_ups.as_ref().map(|view| sign_ups(view, now))}
            {model.transports.iter().map(|way| transport(way, model.transports.len(), now)).collect_view()}
            <div class="side-by-side">
                <section aria-labelledby="queue">
                    <h2 id="queue">"Waiting to be sent"</h2>
                    {queue(&model.queue, now)}
                </section>
                {model.held_since.is_none().then(hold)}
            </div>
            <section aria-labelledby="moving">
                <h2 id="moving">"On their way"</h2>
                {broadcasts(&model.broadcasts)}
            </section>
            <section aria-labelledby="alerts">
                <h2 id="alerts">"What owners were told"</h2>
                {alerts(&model.alerts)}
            </section>
        }
    })
}

fn held(since: Timestamp, now: Timestamp) -> impl IntoView {
    view! {
        <section class="notice held" data-status="partial_outage" aria-labelledby="held">
            <h2 id="held">"All mail is held"</h2>
            <p>
                <span>"Since "</span>
                {timestamp(since, now)}
                <span>" nothing is sent: no updates, no confirmations, no alerts. Everything waits until mail is released, as long as it is still worth sending."</span>
            </p>
            <form method="post" action="/admin/mail/release"><button class="button">"Release mail"</button></form>
        </section>
    }
}

fn sign_ups(view: &SignUpsView, now: Timestamp) -> impl IntoView + use<> {
    let put_off = match view.put_off {
        0 => "No request is put off.".to_owned(),
        1 => "1 request is put off; it is answered when nothing else waits.".to_owned(),
        more => {
            format!("{} requests are put off; they are answered one by one when nothing else waits.", thousands(more))
        }
    };
    let Traffic { last_hour, usual, confirmations, bounced } = view.traffic;
    let title = if view.surge.is_some() { "Sign-ups are checked" } else { "A surge of sign-ups is over" };
    let surge = view.surge.map(|surge| {
        let [last_hour, usual, confirmations, bounced] = [last_hour, usual, confirmations, bounced].map(thousands);
        let why = match surge.cause {
            Cause::SignUps => format!(": {last_hour} in the last hour, usually {usual}. "),
            Cause::Bounces => {
                format!(": {bounced} of {confirmations} confirmations of the last hour did not arrive. ")
            }
        };
        view! {
            <span>"Since "</span>
            {timestamp(surge.since, now)}
            <span>{why}</span>
            <span>"Whoever's browser solves a small puzzle is written to at once. It ends by itself. "</span>
        }
    });
    view! {
        <section class="notice" data-status="degraded_performance" aria-labelledby="sign-ups">
            <h2 id="sign-ups">{title}</h2>
            <p>{surge} <span>{put_off}</span></p>
        </section>
    }
}

fn hold() -> impl IntoView {
    view! {
        <section aria-labelledby="hold">
            <h2 id="hold">"Stop everything"</h2>
            {danger(
                "Hold all mail",
                "Within a second nothing more is sent: no updates, no confirmations, no alerts. Nothing is lost; it waits until you let it go on, or until it is too old to be worth sending.".to_owned(),
                "/admin/mail/hold".to_owned(),
                "Hold all mail",
            )}
        </section>
    }
}

fn transport(way: &TransportView, count: usize, now: Timestamp) -> impl IntoView + use<> {
    let title = match (way.name, count) {
        ("main", 1) => "Mail server",
        ("main", _) => "Mail server of updates",
        _ => "Mail server of alerts and confirmations",
    };
    let id = format!("transport-{}", way.name);
    let state = if way.condition == Condition::Fine {
        view! { <td>{way.condition.label()}</td> }.into_any()
    } else {
        view! {
            <td>
                <strong>{way.condition.label()}</strong>
                <span>" since "</span>
                {timestamp(way.since, now)}
                <span>{format!(" · {}", way.reason)}</span>
            </td>
        }
        .into_any()
    };
    let next = way.next_try.map(|at| {
        view! {
            <tr>
                <th scope="row">"Next try"</th>
                <td>{if at > now { timestamp(at, now).into_any() } else { view! { <span>"now"</span> }.into_any() }}</td>
            </tr>
        }
    });
    let pace = if way.pace < 100 { format!(", slowed down to {} % of that", way.pace) } else { String::new() };
    let is_main = way.name == "main";
    let has_less = is_main && way.bulk_rate != way.rate;
    let updates = if has_less { format!("; updates use up to {}", way.bulk_rate) } else { String::new() };
    let rate = format!("{} {}{updates}{pace}", way.rate, way.rate_from);
    let connections = match way.cap {
        Some(cap) => {
            format!(
                "up to {} {}, each renewed after {cap} mails because the server closes them",
                way.connections, way.connections_from
            )
        }
        None => format!("up to {} {}", way.connections, way.connections_from),
    };
    let quota = way.quota.as_ref().map_or_else(
        || format!("none {}", way.quota_from),
        |quota| {
            let [used, mails, left] = [quota.used, quota.mails, quota.left].map(thousands);
            let whom = if is_main { "for updates" } else { "in all" };
            format!("{used} of {mails} used {}; {left} left {whom} ({})", quota.window, way.quota_from)
        },
    );
    let signature = match &way.signer {
        Some((domain, keys)) => format!("signed by {domain} with {keys}"),
        None if way.address.is_empty() => "not signed".to_owned(),
        None => "not signed by Tidings; your provider may sign".to_owned(),
    };
    let address = if way.address.is_empty() { "kept in the outbox".to_owned() } else { way.address.clone() };
    view! {
        <section class="box way" aria-labelledby=id.clone()>
            <h2 id=id.clone()>{title}</h2>
            <table class="headers">
                <tbody>
                    <tr><th scope="row">"Goes to"</th><td>{address}</td></tr>
                    <tr><th scope="row">"State"</th>{state}</tr>
                    {next}
                    <tr><th scope="row">"Rate"</th><td>{rate}</td></tr>
                    <tr><th scope="row">"Quota"</th><td>{quota}</td></tr>
                    <tr><th scope="row">"Connections"</th><td>{connections}</td></tr>
                    <tr><th scope="row">"DKIM"</th><td>{signature}</td></tr>
                    {way.provider.map(provider)}
                    {way.test.as_ref().map(|test| last_test(test, now))}
                </tbody>
            </table>
            <form method="post" action="/admin/mail/test">
                <input type="hidden" name="transport" value=way.name />
                <button class="button quiet" aria-describedby=id.clone()>"Send me a test mail"</button>
            </form>
        </section>
    }
}

fn provider(provider: &'static Provider) -> impl IntoView {
    view! {
        <tr>
            <th scope="row">"Provider"</th>
            <td>
                <span>{format!("{}: {}. ", provider.name, provider.note)}</span>
                <a href=provider.source rel="noopener noreferrer">"As documented by the provider"</a>
                <span>"; check yours."</span>
            </td>
        </tr>
    }
}

fn last_test((state, words, at): &(DeliveryState, String, Timestamp), now: Timestamp) -> impl IntoView + use<> {
    let what = match state {
        DeliveryState::Sent => "Accepted",
        DeliveryState::Failed | DeliveryState::Skipped => "Refused",
        DeliveryState::Uncertain => "Nobody knows whether it arrived",
        DeliveryState::Expired => "Given up",
        DeliveryState::Waiting | DeliveryState::Leased if words.is_empty() => "On its way",
        DeliveryState::Waiting | DeliveryState::Leased => "Not taken yet",
    };
    view! {
        <tr>
            <th scope="row">"Last test"</th>
            <td>
                <strong>{what}</strong>
                <span>", "</span>
                {timestamp(*at, now)}
                {(!words.is_empty()).then(|| view! { <code class="said" dir="auto">{words.clone()}</code> })}
            </td>
        </tr>
    }
}

fn queue(lanes: &[(Lane, i64, Option<Timestamp>)], now: Timestamp) -> AnyView {
    if lanes.iter().all(|(_, waiting, _)| *waiting == 0) {
        return view! { <p class="nothing">"Nothing waits: every mail is out."</p> }.into_any();
    }
    let row = |(lane, waiting, oldest): &(Lane, i64, Option<Timestamp>)| {
        let age = oldest.map(|at| format!("oldest {}", time::duration(at, now)));
        view! {
            <tr>
                <th scope="row">{lane.label()}</th>
                <td>{thousands(*waiting)}</td>
                <td>{age}</td>
            </tr>
        }
    };
    view! {
        <table class="figures lanes">
            <caption class="visually-hidden">"Mails waiting in each lane, most urgent first, and for how long"</caption>
            <tbody>{lanes.iter().map(row).collect_view()}</tbody>
        </table>
    }
    .into_any()
}

fn broadcasts(moving: &[(String, Progress)]) -> AnyView {
    if moving.is_empty() {
        return view! { <p class="nothing">"No update is being mailed."</p> }.into_any();
    }
    let row = |(name, progress): &(String, Progress)| {
        view! {
            <li>
                <p class="title"><a href=format!("/admin/broadcasts/{}", progress.id) dir="auto">{name.clone()}</a></p>
                {watched(progress)}
            </li>
        }
    };
    view! { <ul class="broadcasts">{moving.iter().map(row).collect_view()}</ul> }.into_any()
}

fn alerts(alerts: &[(Timestamp, String, bool)]) -> AnyView {
    if alerts.is_empty() {
        return view! { <p class="nothing">"Nothing went wrong lately."</p> }.into_any();
    }
    let row = |(at, message, mailed): &(Timestamp, String, bool)| {
        view! {
            <li>
                <div class="what">
                    <p>{message.clone()}</p>
                    <p class="facts">
                        {dated(*at)}
                        <span>{if *mailed { "told by mail" } else { "goes into the next letter" }}</span>
                    </p>
                </div>
            </li>
        }
    };
    view! { <ul class="rows">{alerts.iter().map(row).collect_view()}</ul> }.into_any()
}
