//! The frame around every page: head, skip link, landmarks.
//!
//! ```text
//! shell         doctype, head, body        both public pages and the console
//!   public_page   masthead, main, footer   public pages only
//! ```
//! Nothing inline: the Content-Security-Policy allows no `style`, no script and no image that is not a file of ours.

use domain::time::rfc3339;
use jiff::Timestamp;
use leptos::prelude::*;

use crate::{
    render::render,
    site::{Freshness, LogoView, Site},
};

/// What the head of a document says.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// What this page is, without the site's name, which [`shell`] adds; empty for the site's name alone.
    pub title: &'a str,
    /// One sentence for search engines and link previews; empty for none.
    pub description: &'a str,
    /// Where this page stands, from the root: `/incidents/…`. Empty for pages whose address is a secret or an accident,
    /// which search engines are then asked to leave out.
    pub path: &'a str,
    /// The page's one script, a module in the assets folder; empty for none.
    pub script: &'a str,
    /// Feeds of what this page is about: their title, and their address without `.atom`, `.rss` or `.json`.
    pub feed: Option<(&'a str, &'a str)>,
    /// How far a page that is drawn anew by itself can be trusted; `None` for pages that stay as they are, such as forms.
    pub live: Option<Freshness>,
    /// When what the page tells was first told and when it last changed; `None` for pages that are no story.
    pub article: Option<(Timestamp, Timestamp)>,
}

impl<'a> Head<'a> {
    /// The head of a public page that may be found.
    pub fn public(title: &'a str, description: &'a str, path: &'a str) -> Self {
        Self { title, description, path, script: "public.js", feed: None, live: None, article: None }
    }

    /// The head of a public page that belongs to one reader, or to nobody.
    pub fn private(title: &'a str) -> Self {
        Self::public(title, "", "")
    }
}

/// A whole document around a body's content. `kind` becomes `<body class>`, which style sheets tell pages apart by.
pub fn shell<V: IntoView>(site: &Site, head: Head<'_>, kind: &'static str, body: impl FnOnce() -> V) -> String {
    let title = match head.title {
        "" => site.name.clone(),
        title => format!("{title} · {}", site.name),
    };
    let html = render(|| {
        view! {
            <html lang="en">
                <head>
                    <meta charset="utf-8"/>
                    <meta name="viewport" content="width=device-width, initial-scale=1"/>
                    <title>{title.clone()}</title>
                    {description(site, head, title)}
                    <meta name="color-scheme" content="light dark"/>
                    <meta name="theme-color" content="#fafaf9" media="(prefers-color-scheme: light)"/>
                    <meta name="theme-color" content="#121316" media="(prefers-color-scheme: dark)"/>
                    <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                    <link rel="stylesheet" href=format!("{}/site.css", site.assets)/>
                    {site.brand.accent.clone().map(|address| view! { <link rel="stylesheet" href=address/> })}
                    {script(site, head.script)}
                </head>
                <body class=kind>{body()}</body>
            </html>
        }
    });
    format!("<!doctype html>\n{html}\n")
}

/// What search engines, link previews and feed readers look for.
fn description(site: &Site, head: Head<'_>, title: String) -> AnyView {
    if head.path.is_empty() {
        return view! { <meta name="robots" content="noindex"/> }.into_any();
    }
    let address = format!("{}{}", site.url, head.path);
    view! {
        <meta name="description" content=head.description.to_owned()/>
        <link rel="canonical" href=address.clone()/>
        {property("og:type", if head.article.is_some() { "article" } else { "website" }.to_owned())}
        {property("og:site_name", site.name.clone())}
        {property("og:title", title)}
        {property("og:description", head.description.to_owned())}
        {property("og:url", address)}
        {head
            .article
            .map(|(published, modified)| {
                view! {
                    {property("article:published_time", rfc3339(published))}
                    {property("article:modified_time", rfc3339(modified))}
                }
            })}
        {property("og:image", format!("{}/share.png", site.url))}
        {property("og:image:width", "1200".to_owned())}
        {property("og:image:height", "630".to_owned())}
        <meta name="twitter:card" content="summary_large_image"/>
        <link rel="alternate" type="application/atom+xml" title="Incidents" href="/history.atom"/>
        <link rel="alternate" type="application/rss+xml" title="Incidents" href="/history.rss"/>
        <link rel="alternate" type="application/atom+xml" title="Every update" href="/updates.atom"/>
        <link rel="alternate" type="application/rss+xml" title="Every update" href="/updates.rss"/>
        <link rel="alternate" type="application/feed+json" title="Every update" href="/updates.json"/>
        {head.feed.map(|(title, address)| own_feeds(title, address))}
    }
    .into_any()
}

fn own_feeds(title: &str, address: &str) -> impl IntoView + use<> {
    let link = |media_type: &'static str, ending: &str| {
        view! { <link rel="alternate" type=media_type title=title.to_owned() href=format!("{address}.{ending}")/> }
    };
    view! {
        {link("application/atom+xml", "atom")}
        {link("application/rss+xml", "rss")}
        {link("application/feed+json", "json")}
    }
}

/// Open Graph's `property` is an attribute that HTML, and so the view macro, does not know.
fn property(name: &'static str, content: String) -> impl IntoView {
    leptos::html::meta().attr("property", name).content(content)
}

fn script(site: &Site, name: &str) -> Option<impl IntoView + use<>> {
    let address = format!("{}/{name}", site.assets);
    (!name.is_empty()).then(|| view! { <script type="module" src=address></script> })
}

/// A public page: masthead, `main`, footer with the feeds.
pub fn public_page<V: IntoView>(site: &Site, head: Head<'_>, content: impl FnOnce() -> V) -> String {
    let is_home = head.path == "/";
    let version = head.live.map(|freshness| freshness.mark(site.version));
    let html = shell(site, head, "public", || {
        view! {
            <a class="skip" href="#content">"Skip to the content"</a>
            <header class="masthead">
                <a class="site-name" href="/" dir="auto" aria-current=is_home.then_some("page")>
                    {site.brand.logo.as_ref().map(logo)}
                    <span>{site.name.clone()}</span>
                </a>
                {(head.path != "/subscribe").then(|| view! { <a class="button quiet" href="/subscribe">"Subscribe"</a> })}
            </header>
            <main id="content" tabindex="-1" data-version=version>
                {content()}
            </main>
            {footer(site, head.live.is_some())}
        }
    });
    // Marks for waking islands; public pages have none, and what people write never holds a bare `<`.
    html.replace("<!>", "")
}

/// The owner's picture. It says no more than the name beside it.
pub(crate) fn logo(logo: &LogoView) -> impl IntoView + use<> {
    let (address, ground) = (logo.address.clone(), logo.ground.as_str());
    view! { <img class="logo" src=address alt="" width=logo.width height=logo.height data-ground=ground/> }
}

fn footer(site: &Site, is_live: bool) -> impl IntoView + use<> {
    let own = site.brand.links.iter().map(|link| (link.address.clone(), link.label.clone()));
    let help = site.brand.support.clone().map(|address| (address, "Get help".to_owned()));
    let own: Vec<_> = own
        .chain(help)
        .map(|(address, label)| view! { <li><a href=address rel="noopener" dir="auto">{label}</a></li> })
        .collect();
    let own = (!own.is_empty()).then(|| {
        view! {
            <nav aria-label="More">
                <ul>{own}</ul>
            </nav>
        }
    });
    // Where `public.js` says that it drew the page anew.
    let news = is_live.then(|| view! { <p class="news" role="status"></p> });
    view! {
        <footer class="footer">
            {news}
            {own}
            <nav aria-label="Feeds">
                <ul>
                    <li><a href="/history.atom">"Incidents (Atom)"</a></li>
                    <li><a href="/history.rss">"Incidents (RSS)"</a></li>
                    <li><a href="/updates.atom">"Updates (Atom)"</a></li>
                    <li><a href="/updates.rss">"Updates (RSS)"</a></li>
                    <li><a href="/updates.json">"Updates (JSON)"</a></li>
                </ul>
            </nav>
            <p>"Powered by Tidings"</p>
        </footer>
    }
}
