//! German, with “Sie”.

use super::{LetterWords, MailWords, PostmortemWords, UpdateWords};

pub(super) const WORDS: MailWords = MailWords {
    update: UpdateWords {
        reopened: "Wieder geöffnet",
        correction: "Korrektur",
        corrected: "Diese Meldung haben wir Ihnen schon geschickt und ihren Text seitdem geändert. Es gilt, was folgt.",
        lasted: |duration| format!("Dauer: {duration}"),
        next_update: |time| format!("Nächste Meldung bis {time}"),
        affected: "Betroffen",
        earlier: "Frühere Meldungen",
        older: |count| match count {
            1 => "Eine ältere Meldung finden Sie auf der Statusseite.".to_owned(),
            count => format!("{count} ältere Meldungen finden Sie auf der Statusseite."),
        },
        removed: "Diese Meldung wurde zurückgezogen.",
        on_the_page: "Auf der Statusseite, immer aktuell:",
        open_the_page: "Statusseite öffnen",
        why: |page| {
            format!(
                "Sie erhalten diese E-Mail, weil Sie {page} abonniert haben: alle Meldungen, einen Bereich, den diese \
                 Störung betrifft, oder diese Störung selbst."
            )
        },
        choose: "Auswählen, worüber Sie informiert werden",
        unsubscribe: "Abbestellen",
    },
    postmortem: PostmortemWords {
        by: |name| format!("von {name}"),
        started: |time| format!("Beginn: {time}"),
        detected: |time| format!("Bemerkt: {time}"),
        after: |duration| format!("nach {duration}"),
        mitigated: |time| format!("Eingedämmt: {time}"),
        resolved: |time| format!("Behoben: {time}"),
        follow_ups: "Was wir daraufhin tun",
        done: "erledigt",
        to_do: "offen",
        to_do_by: |date| format!("offen, bis {date}"),
        on_the_page: "Auf der Statusseite, mit späteren Korrekturen:",
    },
    confirmation: LetterWords {
        subject: "Bitte bestätigen Sie Ihr Abonnement",
        title: |page| format!("Bestätigen Sie Ihr Abonnement von {page}"),
        why: |page| {
            format!(
                "Jemand, vermutlich Sie selbst, hat {page} gebeten, Neuigkeiten zu Störungen per E-Mail an diese \
                 Adresse zu senden."
            )
        },
        how: "Öffnen Sie zum Bestätigen diese Seite und klicken Sie auf die Schaltfläche:",
        button: "Abonnement bestätigen",
        expiry: "Der Link ist 48 Stunden gültig. Danach können Sie sich auf der Statusseite erneut anmelden.",
        ignore: "Falls Sie dies nicht angefordert haben, brauchen Sie nichts zu tun: Ohne Ihre Bestätigung wird \
                 nichts gesendet.",
    },
    manage: LetterWords {
        subject: "Ihr Abonnement",
        title: |page| format!("Ihr Abonnement von {page}"),
        why: |page| {
            format!(
                "Jemand, vermutlich Sie selbst, hat bei {page} den Link zu diesem Abonnement angefordert. Dort wählen \
                 Sie, worüber Sie informiert werden, ändern Sprache und Zeitzone oder melden sich ab."
            )
        },
        how: "Öffnen Sie diese Seite, um Ihr Abonnement zu ändern:",
        button: "Mein Abonnement öffnen",
        expiry: "Der Link bleibt gültig. Behalten Sie ihn für sich: Wer ihn hat, kann Ihr Abonnement ändern.",
        ignore: "Falls Sie dies nicht angefordert haben, brauchen Sie nichts zu tun: Es wurde nichts geändert.",
    },
};
