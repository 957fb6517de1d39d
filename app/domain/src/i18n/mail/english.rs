//! English.

use super::{LetterWords, MailWords, PostmortemWords, UpdateWords};

pub(super) const WORDS: MailWords = MailWords {
    update: UpdateWords {
        reopened: "Reopened",
        correction: "Correction",
        corrected: "We mailed you this update before and have changed its text since. What follows is what holds.",
        lasted: |duration| format!("Lasted {duration}."),
        next_update: |time| format!("Next update by {time}"),
        affected: "Affected",
        earlier: "Earlier updates",
        older: |count| match count {
            1 => "One older update is on the page.".to_owned(),
            count => format!("{count} older updates are on the page."),
        },
        removed: "This update was taken back.",
        on_the_page: "On the status page, always up to date:",
        open_the_page: "Open the status page",
        why: |page| {
            format!(
                "You get this mail because you subscribed to {page}: to everything, to a part that this incident \
                 affects, or to this incident."
            )
        },
        choose: "Choose what you hear about",
        unsubscribe: "Unsubscribe",
    },
    postmortem: PostmortemWords {
        by: |name| format!("by {name}"),
        started: |time| format!("Started: {time}"),
        detected: |time| format!("Detected: {time}"),
        after: |duration| format!("after {duration}"),
        mitigated: |time| format!("Mitigated: {time}"),
        resolved: |time| format!("Resolved: {time}"),
        follow_ups: "Follow-up actions",
        done: "done",
        to_do: "to do",
        to_do_by: |date| format!("to do by {date}"),
        on_the_page: "On the status page, with later corrections:",
    },
    confirmation: LetterWords {
        subject: "Confirm your subscription",
        title: |page| format!("Confirm your subscription to {page}"),
        why: |page| {
            format!(
                "Someone, probably you, asked {page} to send a mail to this address whenever there is news about an \
                 incident."
            )
        },
        how: "To confirm, open this page and press the button:",
        button: "Confirm subscription",
        expiry: "The link is valid for 48 hours. After that, subscribe again on the page.",
        ignore: "If you did not ask for this, you need not do anything: without your confirmation nothing is sent.",
    },
    manage: LetterWords {
        subject: "Your subscription",
        title: |page| format!("Your subscription to {page}"),
        why: |page| {
            format!(
                "Someone, probably you, asked {page} for the link to this subscription. It leads to where you choose \
                 what you hear about, the language and the time zone, and where you can leave."
            )
        },
        how: "To change your subscription, open this page:",
        button: "Open my subscription",
        expiry: "The link stays valid. Keep it to yourself: whoever has it can change your subscription.",
        ignore: "If you did not ask for this, you need not do anything: nothing has changed.",
    },
};
