//! "Is it you who asked?": the only mail that goes to an address nobody has proved yet.

use domain::i18n::Locale;

use super::{Mail, letter};

/// What the mail says.
#[derive(Clone, Debug)]
pub struct ConfirmationMail<'a> {
    /// The page's name.
    pub page_name: &'a str,
    /// Its public address.
    pub page_url: &'a str,
    /// Where the address is confirmed.
    pub confirm_url: &'a str,
    /// The language it was asked for in.
    pub locale: Locale,
}

/// Draws it.
pub fn mail(mail: &ConfirmationMail) -> Mail {
    let words = &mail.locale.mail_words().confirmation;
    letter::draw(mail.locale, words, mail.page_name, mail.page_url, mail.confirm_url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_to_do_until_when_and_that_ignoring_is_fine() {
        let url = "https://status.example.com/confirm/AQEAAA";
        for locale in Locale::ALL {
            let mail = mail(&ConfirmationMail {
                page_name: "Acme Status",
                page_url: "https://status.example.com",
                confirm_url: url,
                locale: *locale,
            });
            let words = locale.mail_words().confirmation;
            assert_eq!(mail.subject, format!("[Acme Status] {}", words.subject));
            for body in [&mail.text, &mail.html] {
                assert!(body.contains(url) && body.contains(words.expiry) && body.contains(words.ignore), "{body}");
                assert!(body.contains("Acme Status") && body.contains("48"), "{body}");
            }
            insta::assert_snapshot!(format!("confirmation_{locale:?}"), mail.text);
        }
    }
}
