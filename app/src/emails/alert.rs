//! What the owners should know about their mail.

use domain::{i18n::Locale, time};
use jiff::Timestamp;
use leptos::prelude::*;

use super::{FOOTER, Mail, TITLE, button, document, one_line, subject};

/// What the mail says.
#[derive(Clone, Debug)]
pub struct AlertMail<'a> {
    /// The page's name.
    pub page_name: &'a str,
    /// The console's page about mail.
    pub console_url: &'a str,
    /// What happened and when, oldest first; at least one.
    pub alerts: &'a [(Timestamp, String)],
    /// How many more things happened after those.
    pub more: usize,
}

/// Draws it.
pub fn mail(mail: &AlertMail) -> Mail {
    let page_name = one_line(mail.page_name);
    let title = match mail.alerts.len() + mail.more {
        1 => "Your mail needs attention".to_owned(),
        count => format!("Your mail needs attention: {count} things happened"),
    };
    let subject = subject(&page_name, &title);
    let lines = mail.alerts.iter().map(|(at, message)| format!("{}: {}", time::full(*at), one_line(message)));
    let more = (mail.more > 0).then(|| format!("… and {} more.", mail.more));
    let lines: Vec<String> = lines.chain(more).collect();
    let text =
        format!("{title}\n\n{}\n\nSee how it stands:\n{}\n\n--\n{page_name}\n", lines.join("\n\n"), mail.console_url);
    let html = document(Locale::English, &subject, || {
        view! {
            <h1 style=TITLE>{title.clone()}</h1>
            {lines.iter().map(|line| view! { <p>{line.clone()}</p> }).collect_view()}
            {button(mail.console_url.to_owned(), "See how it stands")}
            <p class="footer" style=FOOTER>{page_name.clone()}</p>
        }
    });
    Mail { subject, text, html }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_happened_is_said_with_its_time() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let alerts = [
            (at("2024-02-05T10:12:00Z"), "The mail server refuses our <credentials>.".to_owned()),
            (at("2024-02-05T10:20:00Z"), "A broadcast was paused.".to_owned()),
        ];
        let mail = mail(&AlertMail {
            page_name: "Acme Status",
            console_url: "https://status.example.com/admin/mail",
            alerts: &alerts,
            more: 0,
        });
        assert_eq!(mail.subject, "[Acme Status] Your mail needs attention: 2 things happened");
        for part in [
            "5 Feb 2024, 10:12 UTC: The mail server refuses our <credentials>.",
            "10:20 UTC: A broadcast",
            "/admin/mail",
        ] {
            assert!(mail.text.contains(part), "{}", mail.text);
        }
        assert!(
            mail.html.contains("our &lt;credentials&gt;") && mail.html.contains("See how it stands"),
            "{}",
            mail.html
        );
    }

    #[test]
    fn a_letter_that_would_be_too_long_says_how_much_it_leaves_out() {
        let alerts = [(Timestamp::UNIX_EPOCH, "A broadcast was paused.".to_owned())];
        let page_name = "Acme Status";
        let mail =
            mail(&AlertMail { page_name, console_url: "https://status.example.com", alerts: &alerts, more: 180 });
        assert_eq!(mail.subject, "[Acme Status] Your mail needs attention: 181 things happened");
        assert!(mail.text.contains("\n\n… and 180 more.\n\n"), "{}", mail.text);
        assert!(mail.html.contains("… and 180 more"), "{}", mail.html);
    }
}
