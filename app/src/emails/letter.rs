//! A letter with one link: why it was sent, the link, how long it works, and what if it was not you.

use domain::i18n::{Locale, mail::LetterWords};
use leptos::prelude::*;

use super::{FOOTER, Mail, QUIET, TITLE, button, document, one_line, subject};

/// Draws it. Nothing in it was typed by whoever asked, or asking would be a way to send mail to strangers.
pub(super) fn draw(locale: Locale, words: &LetterWords, page_name: &str, page_url: &str, link: &str) -> Mail {
    let page_name = one_line(page_name);
    let subject = subject(&page_name, words.subject);
    let (title, why) = ((words.title)(&page_name), (words.why)(&page_name));
    let text = format!(
        "{title}\n\n{why}\n\n{}\n{link}\n\n{}\n\n{}\n\n--\n{page_name}\n{page_url}\n",
        words.how, words.expiry, words.ignore
    );
    let html = document(locale, &subject, || {
        view! {
            <h1 style=TITLE>{title}</h1>
            <p>{why}</p>
            {button(link.to_owned(), words.button)}
            <p class="quiet" style=QUIET>{words.expiry}</p>
            <p class="quiet" style=QUIET>{words.ignore}</p>
            <p class="footer" style=FOOTER>
                <a href=page_url.to_owned() lang="" dir="auto">{page_name.clone()}</a>
            </p>
        }
    });
    Mail { subject, text, html }
}
