//! The way to one's own subscription, for whoever lost the mails that have it.

use domain::i18n::Locale;

use super::{Mail, letter};

/// What the mail says.
#[derive(Clone, Debug)]
pub struct ManageLinkMail<'a> {
    /// The page's name.
    pub page_name: &'a str,
    /// Its public address.
    pub page_url: &'a str,
    /// Where the subscription is changed.
    pub manage_url: &'a str,
    /// The subscriber's language.
    pub locale: Locale,
}

/// Draws it.
pub fn mail(mail: &ManageLinkMail) -> Mail {
    let words = &mail.locale.mail_words().manage;
    letter::draw(mail.locale, words, mail.page_name, mail.page_url, mail.manage_url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_leads_to_the_subscription_in_every_language() {
        for locale in Locale::ALL {
            let mail = mail(&ManageLinkMail {
                page_name: "Acme Status",
                page_url: "https://status.example.com",
                manage_url: "https://status.example.com/manage/AQIAAA",
                locale: *locale,
            });
            assert!(mail.html.contains("href=\"https://status.example.com/manage/AQIAAA\""), "{}", mail.html);
            assert!(mail.html.starts_with(&format!("<!doctype html><html lang=\"{}\"", locale.as_str())));
            insta::assert_snapshot!(format!("manage_link_{locale:?}"), mail.text);
        }
    }
}
