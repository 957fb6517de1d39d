//! A mail that says only that mail works.

use domain::{i18n::Locale, time};
use jiff::Timestamp;
use leptos::prelude::*;

use super::{FOOTER, Mail, TITLE, document, one_line, subject};

/// What the mail says.
#[derive(Clone, Debug)]
pub struct CheckMail<'a> {
    /// The page's name.
    pub page_name: &'a str,
    /// Its public address.
    pub page_url: &'a str,
    /// When it was asked for.
    pub at: Timestamp,
}

/// Draws it.
pub fn mail(mail: &CheckMail) -> Mail {
    let page_name = one_line(mail.page_name);
    let subject = subject(&page_name, "Test mail");
    let words = format!(
        "This is a test, asked for on {}. It went the same way as the updates that {page_name} sends: \
         if you can read it, they arrive too.",
        time::full(mail.at)
    );
    let text = format!("Mail works\n\n{words}\n\n--\n{page_name}\n{}\n", mail.page_url);
    let html = document(Locale::English, &subject, || {
        view! {
            <h1 style=TITLE>"Mail works"</h1>
            <p>{words}</p>
            <p class="footer" style=FOOTER>
                <a href=mail.page_url.to_owned()>{page_name.clone()}</a>
            </p>
        }
    });
    Mail { subject, text, html }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_when_it_was_asked_for() {
        let mail = mail(&CheckMail {
            page_name: "Acme Status",
            page_url: "https://status.example.com",
            at: "2024-02-05T10:12:00Z".parse().unwrap(),
        });
        assert_eq!(mail.subject, "[Acme Status] Test mail");
        assert!(mail.text.contains("asked for on 5 Feb 2024, 10:12 UTC"), "{}", mail.text);
        assert!(mail.html.contains("asked for on 5 Feb 2024, 10:12 UTC"), "{}", mail.html);
    }
}
