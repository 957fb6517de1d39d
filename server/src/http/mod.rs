//! The URL table: every route, top to bottom, with who may use it.
//!
//! ```text
//! request ─ a kept page? ─ security headers ─ error pages ─ CSRF ─┬─ public routes ── page cache ── store
//!                                                                 ├─ console routes ─ session ── signed in? ─ handler ─ action
//!                                                                 └─ API routes ───── key ────── its scope? ─ handler ─ action
//! ```

pub(crate) mod admin;
mod api;
pub(crate) mod assets;
pub mod auth;
pub mod client;
pub mod crowd;
mod csrf;
mod encoding;
mod error_pages;
pub mod events;
pub(crate) mod forms;
mod hooks;
pub mod logo;
mod operations;
pub mod page_cache;
mod public;
mod security;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware::{from_fn, from_fn_with_state},
    routing::{MethodRouter, delete, get, patch, post},
};
use domain::key::Scope;
use time::Duration;
use tower_http::catch_panic::CatchPanicLayer;
use tower_sessions::{Expiry, SessionManagerLayer, cookie::SameSite};

use self::page_cache::front::Front;
use crate::{state::AppState, store::sessions::Sessions};

/// The largest form, in bytes: an update of 100,000 characters, each percent-encoded from four bytes, and some room.
const BODY_LIMIT: usize = 2 * 1024 * 1024;
/// How long a session lasts after the last thing done in it; only looking does not count, for it writes nothing.
const SESSION_LIFE: Duration = Duration::days(14);

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Anyone.
    Anyone,
    /// Anyone who has a link that only its addressee has.
    LinkHolder,
    /// Whoever is signed in to the console.
    SignedIn,
    /// A program whose key was made for this.
    Key(Scope),
    /// A mail service that proves by a signature that it is the one that was configured.
    Service,
    /// This machine and trusted networks.
    Operator,
}

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// `GET` or `POST`; the API also has `PATCH` and `DELETE`.
    pub method: &'static str,
    /// As axum writes it.
    pub path: &'static str,
    /// Who may use it.
    pub who: Who,
}

/// Every route with its policy: what the router is built from and what a test walks through.
#[derive(Default)]
pub struct Table {
    /// The lines.
    pub routes: Vec<Route>,
    public: Router<AppState>,
    entrance: Router<AppState>,
    console: Router<AppState>,
    api: Router<AppState>,
}

impl Table {
    fn public(mut self, who: Who, method: &'static str, path: &'static str, handler: MethodRouter<AppState>) -> Self {
        self.routes.push(Route { method, path, who });
        self.public = self.public.route(path, handler);
        self
    }

    /// Everything under `/admin` has a session, and all of it but the way in is behind one guard, so that no handler
    /// can forget to ask.
    fn console(mut self, who: Who, method: &'static str, path: &'static str, handler: MethodRouter<AppState>) -> Self {
        self.routes.push(Route { method, path, who });
        if who == Who::SignedIn {
            self.console = self.console.route(path, handler);
        } else {
            self.entrance = self.entrance.route(path, handler);
        }
        self
    }

    /// Everything here needs a key, and one that was made for it: the table says so, no handler has to.
    fn api(mut self, scope: Scope, method: &'static str, path: &'static str, handler: MethodRouter<AppState>) -> Self {
        self.routes.push(Route { method, path, who: Who::Key(scope) });
        let handler = handler.route_layer(from_fn(move |key, request, next| api::require(scope, key, request, next)));
        self.api = self.api.route(path, handler);
        self
    }
}

/// The table itself.
pub fn table() -> Table {
    use Scope::{Broadcasts, Components, Incidents, Subscribers};
    use Who::{Anyone, LinkHolder, Operator, Service, SignedIn};
    Table::default()
        // What everyone sees.
        .public(Anyone, "GET", "/", get(public::home::show))
        .public(Anyone, "GET", "/incidents/{id}", get(public::incident::show))
        .public(Anyone, "GET", "/components/{id}", get(public::component::show))
        .public(Anyone, "GET", "/history", get(public::history::present))
        .public(Anyone, "GET", "/history/{month}", get(public::history::show))
        .public(Anyone, "GET", "/postmortems/{id}", get(public::postmortem::show))
        .public(LinkHolder, "GET", "/postmortems/preview/{token}", get(public::postmortem::preview))
        .public(Anyone, "GET", "/subscribe", get(public::subscribe::show))
        .public(Anyone, "POST", "/subscribe", post(public::subscribe::submit))
        .public(Anyone, "POST", "/subscribe/challenge", post(public::challenge::submit))
        .public(LinkHolder, "GET", "/confirm/{token}", get(public::subscription::show_confirm))
        .public(LinkHolder, "POST", "/confirm/{token}", post(public::subscription::confirm))
        .public(Anyone, "GET", "/manage", get(public::manage_link::show))
        .public(Anyone, "POST", "/manage", post(public::manage_link::submit))
        .public(LinkHolder, "GET", "/manage/{token}", get(public::subscription::show_manage))
        .public(LinkHolder, "POST", "/manage/{token}", post(public::subscription::manage))
        .public(LinkHolder, "GET", "/unsubscribe/{token}", get(public::subscription::show_unsubscribe))
        .public(LinkHolder, "POST", "/unsubscribe/{token}", post(public::subscription::unsubscribe))
        .public(Anyone, "GET", "/events", get(events::stream))
        .public(Anyone, "GET", "/badge.svg", get(public::badge::show))
        .public(Anyone, "GET", "/sitemap.xml", get(public::sitemap::show))
        // Feeds.
        .public(Anyone, "GET", "/history.atom", get(public::feeds::history_atom))
        .public(Anyone, "GET", "/history.rss", get(public::feeds::history_rss))
        .public(Anyone, "GET", "/updates.atom", get(public::feeds::updates_atom))
        .public(Anyone, "GET", "/updates.rss", get(public::feeds::updates_rss))
        .public(Anyone, "GET", "/updates.json", get(public::feeds::updates_json))
        // For programs, in Statuspage's shapes.
        .public(Anyone, "GET", "/api/v2/status.json", cross_origin(get(public::statuspage_v2::status)))
        .public(Anyone, "GET", "/api/v2/components.json", cross_origin(get(public::statuspage_v2::components)))
        .public(Anyone, "GET", "/api/v2/incidents.json", cross_origin(get(public::statuspage_v2::incidents)))
        .public(
            Anyone,
            "GET",
            "/api/v2/incidents/unresolved.json",
            cross_origin(get(public::statuspage_v2::unresolved)),
        )
        .public(
            Anyone,
            "GET",
            "/api/v2/scheduled-maintenances.json",
            cross_origin(get(public::statuspage_v2::maintenances)),
        )
        .public(
            Anyone,
            "GET",
            "/api/v2/scheduled-maintenances/upcoming.json",
            cross_origin(get(public::statuspage_v2::maintenances)),
        )
        .public(
            Anyone,
            "GET",
            "/api/v2/scheduled-maintenances/active.json",
            cross_origin(get(public::statuspage_v2::maintenances)),
        )
        .public(Anyone, "GET", "/api/v2/summary.json", cross_origin(get(public::statuspage_v2::summary)))
        // What mail services report.
        .public(Service, "POST", "/hooks/bounces", hook(post(hooks::bounces)))
        .public(Service, "POST", "/hooks/ses", hook(post(hooks::ses)))
        // Files and health.
        .public(Anyone, "GET", "/assets/{version}/{name}", get(assets::asset))
        .public(Anyone, "GET", "/accent/{colour}", get(assets::accent))
        .public(Anyone, "GET", "/logo/{hash}", get(logo::show))
        .public(Anyone, "GET", "/favicon.svg", get(assets::favicon))
        .public(Anyone, "GET", "/favicon.ico", get(assets::favicon))
        .public(Anyone, "GET", "/share.png", get(assets::share))
        .public(Anyone, "GET", "/robots.txt", get(public::robots::show))
        .public(Anyone, "GET", "/healthz", get(operations::healthz))
        .public(Anyone, "GET", "/readyz", get(operations::readyz))
        .public(Operator, "GET", "/metrics", get(operations::metrics))
        // The way into the console.
        .console(Anyone, "GET", "/admin/sign-in", get(admin::sign_in::show))
        .console(Anyone, "POST", "/admin/sign-in", post(admin::sign_in::submit))
        .console(LinkHolder, "GET", "/admin/welcome/{token}", get(admin::password::show))
        .console(LinkHolder, "POST", "/admin/welcome/{token}", post(admin::password::submit))
        .console(LinkHolder, "GET", "/admin/confirm/{token}", get(admin::confirm::show))
        .console(LinkHolder, "POST", "/admin/confirm/{token}", post(admin::confirm::submit))
        // The console.
        .console(SignedIn, "GET", "/admin", get(admin::dashboard::show))
        .console(SignedIn, "POST", "/admin/sign-out", post(admin::sign_in::sign_out))
        .console(SignedIn, "GET", "/admin/account", get(admin::account::show))
        .console(SignedIn, "POST", "/admin/account/confirm", post(admin::account::ask_confirmation))
        .console(SignedIn, "POST", "/admin/account/password", post(admin::account::change_password))
        .console(SignedIn, "GET", "/admin/audit", get(admin::audit::show))
        .console(SignedIn, "GET", "/admin/settings", get(admin::settings::show))
        .console(
            SignedIn,
            "POST",
            "/admin/settings",
            post(admin::settings::submit).layer(DefaultBodyLimit::max(admin::settings::UPLOAD)),
        )
        .console(SignedIn, "GET", "/admin/components", get(admin::components::list))
        .console(SignedIn, "GET", "/admin/components/new", get(admin::components::new))
        .console(SignedIn, "POST", "/admin/components/new", post(admin::components::create))
        .console(SignedIn, "GET", "/admin/components/{id}", get(admin::components::edit))
        .console(SignedIn, "POST", "/admin/components/{id}", post(admin::components::update))
        .console(SignedIn, "POST", "/admin/components/{id}/delete", post(admin::components::delete))
        .console(SignedIn, "GET", "/admin/groups/new", get(admin::groups::new))
        .console(SignedIn, "POST", "/admin/groups/new", post(admin::groups::create))
        .console(SignedIn, "GET", "/admin/groups/{id}", get(admin::groups::edit))
        .console(SignedIn, "POST", "/admin/groups/{id}", post(admin::groups::update))
        .console(SignedIn, "POST", "/admin/groups/{id}/delete", post(admin::groups::delete))
        .console(SignedIn, "GET", "/admin/incidents", get(admin::incidents::list))
        .console(SignedIn, "GET", "/admin/incidents/new", get(admin::incident_new::show))
        .console(SignedIn, "POST", "/admin/incidents/new", post(admin::incident_new::submit))
        .console(SignedIn, "GET", "/admin/incidents/{id}", get(admin::incident::show))
        .console(SignedIn, "POST", "/admin/incidents/{id}", post(admin::incident::submit))
        .console(SignedIn, "GET", "/admin/incidents/{id}/details", get(admin::updates::details))
        .console(SignedIn, "POST", "/admin/incidents/{id}/details", post(admin::updates::save_details))
        .console(SignedIn, "GET", "/admin/incidents/{id}/remove", get(admin::updates::ask_incident))
        .console(SignedIn, "POST", "/admin/incidents/{id}/remove", post(admin::updates::remove_incident))
        .console(SignedIn, "GET", "/admin/incidents/{id}/updates/{update}", get(admin::updates::edit))
        .console(SignedIn, "POST", "/admin/incidents/{id}/updates/{update}", post(admin::updates::save))
        .console(SignedIn, "POST", "/admin/incidents/{id}/updates/{update}/correct", post(admin::updates::correct))
        .console(SignedIn, "GET", "/admin/incidents/{id}/updates/{update}/remove", get(admin::updates::ask_update))
        .console(SignedIn, "POST", "/admin/incidents/{id}/updates/{update}/remove", post(admin::updates::remove_update))
        .console(SignedIn, "GET", "/admin/incidents/{id}/postmortem", get(admin::postmortem::show))
        .console(SignedIn, "POST", "/admin/incidents/{id}/postmortem", post(admin::postmortem::submit))
        .console(SignedIn, "POST", "/admin/incidents/{id}/postmortem/preview", post(admin::postmortem::new_preview))
        .console(
            SignedIn,
            "POST",
            "/admin/incidents/{id}/postmortem/follow-ups/{follow_up}",
            post(admin::postmortem::follow_up),
        )
        .console(SignedIn, "GET", "/admin/postmortems", get(admin::postmortems::list))
        .console(SignedIn, "GET", "/admin/audience", get(admin::incident::audience))
        .console(SignedIn, "GET", "/admin/drafts/{subject}", get(admin::drafts::look))
        .console(SignedIn, "POST", "/admin/drafts/{subject}", post(admin::drafts::keep))
        .console(SignedIn, "POST", "/admin/drafts/{subject}/discard", post(admin::drafts::discard))
        .console(SignedIn, "GET", "/admin/drafts/{subject}/mail", get(admin::drafts::mail))
        .console(SignedIn, "GET", "/admin/templates", get(admin::templates::list))
        .console(SignedIn, "GET", "/admin/templates/new", get(admin::templates::new))
        .console(SignedIn, "POST", "/admin/templates/new", post(admin::templates::create))
        .console(SignedIn, "GET", "/admin/templates/{id}", get(admin::templates::edit))
        .console(SignedIn, "POST", "/admin/templates/{id}", post(admin::templates::update))
        .console(SignedIn, "POST", "/admin/templates/{id}/delete", post(admin::templates::delete))
        .console(SignedIn, "GET", "/admin/deliveries", get(admin::deliveries::to_address))
        .console(SignedIn, "GET", "/admin/broadcasts", get(admin::broadcasts::list))
        .console(SignedIn, "GET", "/admin/broadcasts/{id}", get(admin::broadcasts::show))
        .console(SignedIn, "GET", "/admin/broadcasts/{id}/recipients", get(admin::deliveries::of_broadcast))
        .console(SignedIn, "GET", "/admin/broadcasts/{id}/progress", get(admin::broadcasts::progress))
        .console(SignedIn, "POST", "/admin/broadcasts/{id}/pause", post(admin::broadcasts::pause))
        .console(SignedIn, "POST", "/admin/broadcasts/{id}/resume", post(admin::broadcasts::resume))
        .console(SignedIn, "POST", "/admin/broadcasts/{id}/cancel", post(admin::broadcasts::cancel))
        .console(SignedIn, "GET", "/admin/keys", get(admin::keys::list))
        .console(SignedIn, "GET", "/admin/keys/new", get(admin::keys::new))
        .console(SignedIn, "POST", "/admin/keys/new", post(admin::keys::create))
        .console(SignedIn, "GET", "/admin/keys/{id}", get(admin::keys::show))
        .console(SignedIn, "POST", "/admin/keys/{id}/revoke", post(admin::keys::revoke))
        .console(SignedIn, "GET", "/admin/mail", get(admin::mail::show))
        .console(SignedIn, "POST", "/admin/mail/hold", post(admin::mail::hold))
        .console(SignedIn, "POST", "/admin/mail/release", post(admin::mail::release))
        .console(SignedIn, "POST", "/admin/mail/test", post(admin::mail::test))
        .console(SignedIn, "GET", "/admin/subscribers", get(admin::subscribers::list))
        .console(SignedIn, "GET", "/admin/subscribers/new", get(admin::subscribers::new))
        .console(SignedIn, "POST", "/admin/subscribers/new", post(admin::subscribers::create))
        .console(SignedIn, "POST", "/admin/subscribers/export", post(admin::subscriber_export::csv))
        .console(SignedIn, "GET", "/admin/subscribers/import", get(admin::subscriber_import::new))
        .console(
            SignedIn,
            "POST",
            "/admin/subscribers/import",
            post(admin::subscriber_import::upload).layer(DefaultBodyLimit::disable()),
        )
        .console(SignedIn, "GET", "/admin/subscribers/import/{id}", get(admin::subscriber_import::show))
        .console(SignedIn, "POST", "/admin/subscribers/import/{id}", post(admin::subscriber_import::begin))
        .console(SignedIn, "POST", "/admin/subscribers/import/{id}/discard", post(admin::subscriber_import::discard))
        .console(SignedIn, "GET", "/admin/subscribers/{id}", get(admin::subscribers::show))
        .console(SignedIn, "POST", "/admin/subscribers/{id}", post(admin::subscribers::update))
        .console(SignedIn, "POST", "/admin/subscribers/{id}/remove", post(admin::subscribers::remove))
        .console(SignedIn, "POST", "/admin/subscribers/{id}/release", post(admin::subscribers::release))
        .console(SignedIn, "GET", "/admin/subscribers/{id}/erase", get(admin::subscribers::ask_erase))
        .console(SignedIn, "POST", "/admin/subscribers/{id}/erase", post(admin::subscribers::erase))
        .console(SignedIn, "GET", "/admin/suppressions", get(admin::suppressions::list))
        .console(SignedIn, "POST", "/admin/suppressions/release", post(admin::suppressions::release))
        .console(SignedIn, "GET", "/admin/suppressions/release-many", get(admin::suppressions::ask_many))
        .console(SignedIn, "POST", "/admin/suppressions/release-many", post(admin::suppressions::release_many))
        .console(SignedIn, "GET", "/admin/outbox", get(admin::outbox::list))
        .console(SignedIn, "GET", "/admin/outbox/{name}", get(admin::outbox::show))
        .console(SignedIn, "GET", "/admin/outbox/{name}/html", get(admin::outbox::html))
        // The API: the same acts, for programs.
        .public(Anyone, "GET", "/api/v1/openapi.json", get(api::openapi::show))
        .api(Components, "GET", "/api/v1/components", get(api::components::list))
        .api(Components, "POST", "/api/v1/components", post(api::components::create))
        .api(Components, "GET", "/api/v1/components/{id}", get(api::components::show))
        .api(Components, "PATCH", "/api/v1/components/{id}", patch(api::components::change))
        .api(Components, "DELETE", "/api/v1/components/{id}", delete(api::components::delete))
        .api(Incidents, "GET", "/api/v1/incidents", get(api::incidents::list))
        .api(Incidents, "POST", "/api/v1/incidents", post(api::incidents::create))
        .api(Incidents, "GET", "/api/v1/incidents/{id}", get(api::incidents::show))
        .api(Incidents, "PATCH", "/api/v1/incidents/{id}", patch(api::incidents::change))
        .api(Incidents, "POST", "/api/v1/incidents/{id}/updates", post(api::incidents::post_update))
        .api(Incidents, "PATCH", "/api/v1/incidents/{id}/updates/{update}", patch(api::incidents::edit_update))
        .api(Subscribers, "GET", "/api/v1/subscribers", get(api::subscribers::list))
        .api(Subscribers, "POST", "/api/v1/subscribers", post(api::subscribers::create))
        .api(Subscribers, "GET", "/api/v1/subscribers/{id}", get(api::subscribers::show))
        .api(Subscribers, "DELETE", "/api/v1/subscribers/{id}", delete(api::subscribers::delete))
        .api(Broadcasts, "GET", "/api/v1/broadcasts", get(api::broadcasts::list))
        .api(Broadcasts, "GET", "/api/v1/broadcasts/{id}", get(api::broadcasts::show))
        .api(Broadcasts, "POST", "/api/v1/broadcasts/{id}/pause", post(api::broadcasts::pause))
        .api(Broadcasts, "POST", "/api/v1/broadcasts/{id}/resume", post(api::broadcasts::resume))
        .api(Broadcasts, "POST", "/api/v1/broadcasts/{id}/cancel", post(api::broadcasts::cancel))
}

/// Reports are small.
fn hook(route: MethodRouter<AppState>) -> MethodRouter<AppState> {
    route.layer(DefaultBodyLimit::max(hooks::BODY_LIMIT))
}

/// Browsers ask before they let another site's script read.
fn cross_origin(route: MethodRouter<AppState>) -> MethodRouter<AppState> {
    route.options(public::statuspage_v2::preflight)
}

/// The whole service.
pub fn service(state: AppState) -> Front<Router> {
    Front::of(state.clone(), router(state))
}

fn router(state: AppState) -> Router {
    let is_https = state.is_https();
    let sessions = SessionManagerLayer::new(Sessions(state.store.clone(), state.clock.clone()))
        .with_name(session_cookie(is_https))
        .with_secure(is_https)
        .with_same_site(SameSite::Lax)
        .with_expiry(Expiry::OnInactivity(SESSION_LIFE));
    let Table { public, entrance, console, api, .. } = table();
    let console = console.route_layer(from_fn_with_state(state.clone(), auth::guard));
    let api = api.route_layer(from_fn_with_state(state.clone(), api::guard));
    let public = public.route_layer(from_fn(encoding::compress));
    let public = public.route_layer(from_fn_with_state(state.clone(), crowd::guard));
    public
        .merge(api)
        .merge(entrance.merge(console).layer(sessions))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(from_fn(csrf::guard))
        .layer(CatchPanicLayer::custom(error_pages::panicked))
        .layer(from_fn_with_state(state.clone(), error_pages::draw))
        .layer(from_fn_with_state(state.clone(), security::headers))
        .layer(from_fn(operations::measure))
        .with_state(state)
}

/// A browser takes a `__Host-` cookie only over TLS (and from localhost, which a public URL over http need not be).
pub(crate) fn session_cookie(is_https: bool) -> &'static str {
    if is_https { "__Host-tidings" } else { "tidings" }
}
