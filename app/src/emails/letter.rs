//! A letter with one link: why it was sent, the link, how long it works, and what if it was not you.

use domain::i18n::{Locale, mail::LetterWords};
use leptos::prelude::*;

use super::{FOOTER, Mail, QUIET, TITLE, button, document, one_line, subject};

/// What the letter says.
#[derive(Clone, Copy, Debug)]
pub struct LetterMail<'a> {
    /// Its sentences.
    pub words: &'a LetterWords,
    /// Their language.
    pub locale: Locale,
    /// The page's name.
    pub page_name: &'a str,
    /// Its public address.
    pub page_url: &'a str,
    /// Where the button leads.
    pub link: &'a str,
}

/// Draws it. Nothing in it was typed by whoever asked, or asking would be a way to send mail to strangers.
pub fn mail(mail: &LetterMail) -> Mail {
    let LetterMail { words, locale, page_url, link, .. } = *mail;
    let page_name = one_line(mail.page_name);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(words: &LetterWords, locale: Locale, link: &str) -> Mail {
        mail(&LetterMail { words, locale, page_name: "Acme Status", page_url: "https://status.example.com", link })
    }

    #[test]
    fn a_confirmation_says_what_to_do_until_when_and_that_ignoring_is_fine() {
        let url = "https://status.example.com/confirm/AQEAAA";
        for locale in Locale::ALL {
            let words = &locale.mail_words().confirmation;
            let mail = letter(words, *locale, url);
            assert_eq!(mail.subject, format!("[Acme Status] {}", words.subject));
            for body in [&mail.text, &mail.html] {
                assert!(body.contains(url) && body.contains(words.expiry) && body.contains(words.ignore), "{body}");
                assert!(body.contains("Acme Status") && body.contains("48"), "{body}");
            }
            insta::assert_snapshot!(format!("confirmation_{locale:?}"), mail.text);
        }
    }

    #[test]
    fn a_lost_link_leads_to_the_subscription_in_every_language() {
        for locale in Locale::ALL {
            let url = "https://status.example.com/manage/AQIAAA";
            let mail = letter(&locale.mail_words().manage, *locale, url);
            assert!(mail.html.contains(&format!("href=\"{url}\"")), "{}", mail.html);
            assert!(mail.html.starts_with(&format!("<!doctype html><html lang=\"{}\"", locale.as_str())));
            insta::assert_snapshot!(format!("manage_link_{locale:?}"), mail.text);
        }
    }
}
