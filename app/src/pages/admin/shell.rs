//! The frame around every page of the console.

use domain::forms::FieldErrors;
use leptos::prelude::*;

use crate::{
    components::error_summary,
    layout::{Head, shell},
    site::Site,
};

/// What every page of the console knows.
#[derive(Clone, Debug)]
pub struct Console {
    /// The status page it belongs to.
    pub site: Site,
    /// Who is signed in.
    pub user_email: String,
    /// Where this page stands, from the root: `/admin/incidents`.
    pub path: String,
    /// What was just done, said once.
    pub flash: Option<String>,
}

/// The places of the console, and which pages belong to each.
const PLACES: &[(&str, &str, &[&str])] = &[
    ("/admin", "Dashboard", &[]),
    ("/admin/incidents", "Incidents", &["/admin/incidents"]),
    ("/admin/postmortems", "Postmortems", &["/admin/postmortems"]),
    ("/admin/templates", "Templates", &["/admin/templates"]),
    ("/admin/components", "Components", &["/admin/components", "/admin/groups"]),
    ("/admin/subscribers", "Subscribers", &["/admin/subscribers", "/admin/suppressions"]),
    ("/admin/broadcasts", "Broadcasts", &["/admin/broadcasts", "/admin/deliveries"]),
    ("/admin/mail", "Mail queue", &["/admin/mail"]),
    ("/admin/outbox", "Outbox", &["/admin/outbox"]),
    ("/admin/keys", "API keys", &["/admin/keys"]),
    ("/admin/audit", "Audit log", &["/admin/audit"]),
    ("/admin/settings", "Settings", &["/admin/settings"]),
    ("/admin/account", "Account", &["/admin/account"]),
];

/// A whole page of the console.
pub(super) fn document<V: IntoView>(console: &Console, title: &str, content: impl FnOnce() -> V) -> String {
    let head = Head::private(title);
    let html = shell(&console.site, head, "console", || {
        view! {
            <a class="skip" href="#content">"Skip to the content"</a>
            {rail(console)}
            <main id="content" tabindex="-1">
                {console.flash.clone().map(|flash| view! { <p class="flash" role="status">{flash}</p> })}
                {content()}
            </main>
        }
    });
    with_assets(&console.site, &html)
}

/// A page for those who are not signed in yet.
pub(super) fn entrance<V: IntoView>(site: &Site, title: &str, content: impl FnOnce() -> V) -> String {
    let head = Head::private(title);
    let html = shell(site, head, "console entrance", || {
        view! {
            <main id="content">
                <p class="place" dir="auto">{site.name.clone()}</p>
                {content()}
            </main>
        }
    });
    with_assets(site, &html)
}

/// The title of a page with a form: a browser's tab and a screen reader say at once that something is wrong.
pub(super) fn form_title(title: &str, errors: &FieldErrors) -> String {
    if errors.is_empty() { title.to_owned() } else { format!("Error: {title}") }
}

/// All that is wrong with a form, where the page begins to be read: each message leads to its field, whose id is its
/// name. `fields` are names and labels in the page's order.
pub(super) fn summary(errors: &FieldErrors, fields: &[(&str, &str)]) -> Option<impl IntoView + use<>> {
    error_summary(errors, fields)
        .map(|summary| view! { <div class="summary" id="errors" tabindex="-1" autofocus="autofocus">{summary}</div> })
}

/// Adds the console's style, and the loader where something waits to be woken: other pages carry no script at all.
fn with_assets(site: &Site, html: &str) -> String {
    let assets = &site.assets;
    let style = format!("<link rel=\"stylesheet\" href=\"{assets}/console.css\">");
    let script = format!(
        "<link rel=\"modulepreload\" href=\"{assets}/site.js\">\
         <link rel=\"preload\" href=\"{assets}/site_bg.wasm\" as=\"fetch\" type=\"application/wasm\" crossorigin>\
         <script type=\"module\" src=\"{assets}/islands.js\"></script>"
    );
    let script = if html.contains("<leptos-island") { script.as_str() } else { "" };
    html.replacen("</head>", &format!("{style}{script}</head>"), 1)
}

fn rail(console: &Console) -> impl IntoView + use<> {
    let links = PLACES.iter().map(|(address, name, pages)| {
        let is_here = console.path == *address || pages.iter().any(|page| console.path.starts_with(page));
        view! { <li><a href=*address aria-current=is_here.then_some("page")>{*name}</a></li> }
    });
    view! {
        <header class="rail">
            <div class="place">
                <a class="site-name" href="/admin" dir="auto">{console.site.name.clone()}</a>
                <a class="to-page" href="/">"Status page"</a>
            </div>
            <nav aria-label="Console">
                <ul>{links.collect_view()}</ul>
            </nav>
            <form class="sign-out" method="post" action="/admin/sign-out">
                <p dir="auto">{console.user_email.clone()}</p>
                <button class="link">"Sign out"</button>
            </form>
        </header>
    }
}
