//! What Amazon SES says of bounces and complaints, in its two dialects: notifications of an identity
//! (`notificationType`) and events of a configuration set (`eventType`).

use domain::{
    bounce::{BounceKind, Permanence, Report},
    email_address::EmailAddress,
};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::generic::plain;

/// How much later than by Amazon's clock a mail may have been sent by ours.
const CLOCKS_APART: SignedDuration = SignedDuration::from_mins(5);
/// Kinds of bounces that say nothing of the recipient: the mail was refused, or Amazon did not try, for it holds the address
/// on a list of its own, on which it may stand because of other people's mails.
const ABOUT_US: [&str; 5] =
    ["ContentRejected", "AttachmentRejected", "MessageTooLarge", "Suppressed", "OnAccountSuppressionList"];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MessageBody {
    event_type: Option<String>,
    notification_type: Option<String>,
    bounce: Option<BounceBody>,
    complaint: Option<ComplaintBody>,
    mail: MailBody,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BounceBody {
    feedback_id: String,
    bounce_type: String,
    #[serde(default)]
    bounce_sub_type: String,
    bounced_recipients: Vec<RecipientBody>,
    timestamp: Timestamp,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ComplaintBody {
    feedback_id: String,
    complaint_feedback_type: Option<String>,
    complained_recipients: Vec<RecipientBody>,
    timestamp: Timestamp,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RecipientBody {
    email_address: String,
    status: Option<String>,
    diagnostic_code: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MailBody {
    timestamp: Timestamp,
    #[serde(default)]
    headers: Vec<HeaderBody>,
    common_headers: Option<CommonHeadersBody>,
}

#[derive(Deserialize)]
struct HeaderBody {
    name: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CommonHeadersBody {
    message_id: Option<String>,
}

impl MailBody {
    /// Ours, as far as Amazon passes headers on; it sends the mail under one of its own.
    fn message_id(&self) -> Option<String> {
        let header = self.headers.iter().find(|header| header.name.eq_ignore_ascii_case("Message-ID"));
        let common = || self.common_headers.as_ref()?.message_id.clone();
        header.map(|header| header.value.clone()).or_else(common)
    }
}

/// The reports in a message; none in what is about something else, such as the plain text with which SES tries a topic.
pub fn reports(message: &str) -> Vec<Report> {
    let Ok(message) = serde_json::from_str::<MessageBody>(message) else { return Vec::new() };
    let kind = message.event_type.as_deref().or(message.notification_type.as_deref());
    match (kind, &message.bounce, &message.complaint) {
        (Some("Bounce"), Some(bounce), _) => {
            let report = |recipient: &RecipientBody| of_bounce(&message.mail, bounce, recipient);
            bounce.bounced_recipients.iter().filter_map(report).collect()
        }
        (Some("Complaint"), _, Some(complaint)) => of_complaint(&message.mail, complaint).into_iter().collect(),
        _ => Vec::new(),
    }
}

fn of_bounce(mail: &MailBody, bounce: &BounceBody, recipient: &RecipientBody) -> Option<Report> {
    let status = recipient.status.as_deref().unwrap_or_default();
    let is_policy = status.split('.').nth(1) == Some("7");
    Some(Report {
        kind: BounceKind::Bounce,
        permanence: match bounce.bounce_type.as_str() {
            "Permanent" => Permanence::Permanent,
            "Transient" => Permanence::Transient,
            _ => Permanence::Undetermined,
        },
        diagnostic: plain(recipient.diagnostic_code.as_deref().unwrap_or(status)),
        is_about_us: is_policy || ABOUT_US.contains(&bounce.bounce_sub_type.as_str()),
        ..report(mail, &bounce.feedback_id, recipient, bounce.timestamp)?
    })
}

/// Of several recipients any one may have complained; each of our mails has one.
fn of_complaint(mail: &MailBody, complaint: &ComplaintBody) -> Option<Report> {
    let [recipient] = complaint.complained_recipients.as_slice() else { return None };
    let feedback = complaint.complaint_feedback_type.as_deref().unwrap_or_default();
    Some(Report {
        diagnostic: plain(feedback),
        // They took it out of the folder for spam.
        is_about_us: feedback == "not-spam",
        ..report(mail, &complaint.feedback_id, recipient, complaint.timestamp)?
    })
}

fn report(mail: &MailBody, feedback: &str, recipient: &RecipientBody, at: Timestamp) -> Option<Report> {
    let address: EmailAddress = recipient.email_address.parse().ok()?;
    Some(Report {
        id: format!("{feedback} {}", address.canonical()),
        kind: BounceKind::Complaint,
        permanence: Permanence::Undetermined,
        recipient: address,
        message_id: mail.message_id(),
        sent_by: mail.timestamp.checked_add(CLOCKS_APART).unwrap_or(mail.timestamp),
        at,
        diagnostic: String::new(),
        is_about_us: false,
    })
}

#[cfg(test)]
mod tests {
    use domain::bounce::{Verdict, verdict};
    use serde_json::{Value, json};

    use super::*;

    fn bounce(dialect: &str, kind: &str, sub_kind: &str, status: &str, diagnostic: &str) -> Value {
        json!({
            dialect: "Bounce",
            "bounce": {
                "feedbackId": "0102-feedback", "bounceType": kind, "bounceSubType": sub_kind,
                "bouncedRecipients": [{
                    "emailAddress": "Jo@example.org", "action": "failed", "status": status, "diagnosticCode": diagnostic,
                }],
                "timestamp": "2024-02-05T10:41:10.123Z", "remoteMtaIp": "192.0.2.1", "reportingMTA": "dns; a1.smtp-out.example",
            },
            "mail": {
                "timestamp": "2024-02-05T10:41:09.000Z", "messageId": "0102-mail", "source": "status+1.00@example.com",
                "destination": ["Jo@example.org"], "headersTruncated": false,
                "headers": [{"name": "From", "value": "x"}, {"name": "Message-ID", "value": "<900000000000.12@example.com>"}],
                "commonHeaders": {"from": ["x"], "messageId": "<other@example.com>", "subject": "x"},
            },
        })
    }

    fn complaint(feedback: &str, recipients: &[&str]) -> Value {
        let recipients: Vec<_> = recipients.iter().map(|address| json!({"emailAddress": address})).collect();
        json!({
            "eventType": "Complaint",
            "complaint": {
                "feedbackId": "0102-feedback", "complaintSubType": null, "complainedRecipients": recipients,
                "timestamp": "2024-02-05T10:41:10Z", "userAgent": "x", "complaintFeedbackType": feedback,
            },
            "mail": {"timestamp": "2024-02-05T10:41:09Z", "messageId": "0102-mail", "destination": ["jo@example.org"]},
        })
    }

    #[test]
    fn a_bounce_is_read_in_both_dialects() {
        for dialect in ["notificationType", "eventType"] {
            let found =
                reports(&bounce(dialect, "Permanent", "General", "5.1.1", "smtp; 550 5.1.1 unknown").to_string());
            let [report] = found.as_slice() else { panic!("{found:?}") };
            assert_eq!((report.kind, report.permanence), (BounceKind::Bounce, Permanence::Permanent));
            assert_eq!(report.recipient.as_str(), "Jo@example.org");
            assert_eq!(report.id, "0102-feedback jo@example.org");
            assert_eq!(report.message_id.as_deref(), Some("<900000000000.12@example.com>"));
            assert_eq!(
                (report.at.to_string(), report.sent_by.to_string()),
                ("2024-02-05T10:41:10.123Z".into(), "2024-02-05T10:46:09Z".into())
            );
            assert_eq!(verdict(report), Verdict::Suppressed);
        }
    }

    #[test]
    fn only_what_is_about_the_recipient_suppresses() {
        for (kind, sub_kind, status, diagnostic, expected) in [
            ("Permanent", "General", "5.1.1", "smtp; 550 5.1.1 user unknown", Verdict::Suppressed),
            ("Permanent", "NoEmail", "", "", Verdict::Suppressed),
            ("Permanent", "General", "5.7.1", "smtp; 550 rejected", Verdict::AboutUs),
            ("Permanent", "General", "", "smtp; 550 5.7.1 blocked", Verdict::AboutUs),
            ("Permanent", "General", "5.0.0", "smtp; 554 your address is on a blocklist", Verdict::AboutUs),
            ("Permanent", "Suppressed", "5.1.1", "", Verdict::AboutUs),
            ("Permanent", "OnAccountSuppressionList", "5.1.1", "", Verdict::AboutUs),
            ("Transient", "ContentRejected", "5.3.0", "", Verdict::AboutUs),
            ("Transient", "MailboxFull", "5.2.2", "smtp; 552 5.2.2 over quota", Verdict::Noted),
            ("Transient", "General", "4.4.7", "", Verdict::Noted),
            ("Undetermined", "Undetermined", "5.1.1", "", Verdict::Noted),
        ] {
            let found = reports(&bounce("eventType", kind, sub_kind, status, diagnostic).to_string());
            assert_eq!(verdict(&found[0]), expected, "{kind} {sub_kind} {status} {diagnostic}");
        }
    }

    #[test]
    fn a_complaint_counts_when_it_is_one_and_by_one() {
        let found = |feedback: &str, recipients: &[&str]| -> Vec<_> {
            reports(&complaint(feedback, recipients).to_string()).iter().map(verdict).collect()
        };
        assert_eq!(found("abuse", &["jo@example.org"]), [Verdict::Left]);
        assert_eq!(found("not-spam", &["jo@example.org"]), [Verdict::Noted]);
        assert_eq!(found("abuse", &["jo@example.org", "ann@example.org"]), []);
        assert_eq!(found("abuse", &["nobody"]), []);
    }

    #[test]
    fn everything_else_is_none_of_our_business() {
        let delivery = json!({"eventType": "Delivery", "mail": {"timestamp": "2024-02-05T10:41:09Z"}}).to_string();
        let hollow = json!({"eventType": "Bounce", "mail": {"timestamp": "2024-02-05T10:41:09Z"}}).to_string();
        let text = "Successfully validated SNS topic for Amazon SES event publishing.";
        for message in [&delivery, &hollow, text, "", "[]", "{}", "null"] {
            assert!(reports(message).is_empty(), "{message}");
        }
    }
}
