//! "Is it you who asked?": the only mail that goes to an address nobody has proved yet.

use leptos::prelude::*;

use super::{FOOTER, Mail, QUIET, TITLE, button, document, one_line, subject};

/// What the mail says. Nothing in it was typed by whoever asked, or this form would be a way to send mail to strangers.
#[derive(Clone, Debug)]
pub struct ConfirmationMail<'a> {
    /// The page's name.
    pub page_name: &'a str,
    /// Its public address.
    pub page_url: &'a str,
    /// Where the address is confirmed.
    pub confirm_url: &'a str,
}

const IGNORE: &str =
    "If you did not ask for this, you need not do anything: without your confirmation nothing is sent.";
const EXPIRY: &str = "The link is valid for 48 hours. After that, subscribe again on the page.";

/// Draws it.
pub fn mail(mail: &ConfirmationMail) -> Mail {
    let page_name = one_line(mail.page_name);
    let subject = subject(&page_name, "Confirm your subscription");
    let why = format!(
        "Someone, probably you, asked {page_name} to send a mail to this address whenever there is news about an incident."
    );
    let text = format!(
        "Confirm your subscription to {page_name}\n\n{why}\n\nTo confirm, open this page and press the button:\n\
         {}\n\n{EXPIRY}\n\n{IGNORE}\n\n--\n{page_name}\n{}\n",
        mail.confirm_url, mail.page_url
    );
    let html = document(&subject, || {
        view! {
            <h1 style=TITLE>{format!("Confirm your subscription to {page_name}")}</h1>
            <p>{why}</p>
            {button(mail.confirm_url.to_owned(), "Confirm subscription")}
            <p class="quiet" style=QUIET>{EXPIRY}</p>
            <p class="quiet" style=QUIET>{IGNORE}</p>
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
    fn it_says_what_to_do_until_when_and_that_ignoring_is_fine() {
        let url = "https://status.example.com/confirm/AQEAAA";
        let mail = mail(&ConfirmationMail {
            page_name: "Acme Status",
            page_url: "https://status.example.com",
            confirm_url: url,
        });
        assert_eq!(mail.subject, "[Acme Status] Confirm your subscription");
        for body in [&mail.text, &mail.html] {
            assert!(body.contains(url) && body.contains(EXPIRY) && body.contains(IGNORE), "{body}");
        }
    }
}
