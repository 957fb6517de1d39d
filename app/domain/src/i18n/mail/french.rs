//! French, with “vous”. A no-break space stands before a colon.

use super::{LetterWords, MailWords, PostmortemWords, UpdateWords};

pub(super) const WORDS: MailWords = MailWords {
    update: UpdateWords {
        reopened: "Rouvert",
        correction: "Correction",
        corrected: "Nous vous avions déjà envoyé cette nouvelle et en avons modifié le texte depuis. C’est ce qui suit qui vaut.",
        lasted: |duration| format!("Durée\u{a0}: {duration}"),
        next_update: |time| format!("Prochaine mise à jour au plus tard le {time}"),
        affected: "Composants concernés",
        earlier: "Mises à jour précédentes",
        older: |count| match count {
            1 => "Une mise à jour plus ancienne se trouve sur la page d’état.".to_owned(),
            count => format!("{count} mises à jour plus anciennes se trouvent sur la page d’état."),
        },
        removed: "Cette mise à jour a été retirée.",
        on_the_page: "Sur la page d’état, toujours à jour\u{a0}:",
        open_the_page: "Ouvrir la page d’état",
        why: |page| {
            format!(
                "Vous recevez cet e-mail en raison de votre abonnement à {page}\u{a0}: à toutes les informations, à un \
                 composant concerné par cet incident ou à cet incident lui-même."
            )
        },
        choose: "Choisir les informations à recevoir",
        unsubscribe: "Se désabonner",
    },
    postmortem: PostmortemWords {
        by: |name| format!("par {name}"),
        started: |time| format!("Début\u{a0}: {time}"),
        detected: |time| format!("Détecté\u{a0}: {time}"),
        after: |duration| format!("après {duration}"),
        mitigated: |time| format!("Atténué\u{a0}: {time}"),
        resolved: |time| format!("Résolu\u{a0}: {time}"),
        follow_ups: "Actions de suivi",
        done: "fait",
        to_do: "à faire",
        to_do_by: |date| format!("à faire avant le {date}"),
        on_the_page: "Sur la page d’état, avec les corrections ultérieures\u{a0}:",
    },
    confirmation: LetterWords {
        subject: "Confirmez votre abonnement",
        title: |page| format!("Confirmez votre abonnement à {page}"),
        why: |page| {
            format!(
                "Quelqu’un, probablement vous, a demandé à {page} d’écrire à cette adresse dès qu’il y a du nouveau au \
                 sujet d’un incident."
            )
        },
        how: "Pour confirmer, ouvrez cette page et cliquez sur le bouton\u{a0}:",
        button: "Confirmer l’abonnement",
        expiry: "Le lien est valable 48 heures. Passé ce délai, abonnez-vous de nouveau sur la page d’état.",
        ignore: "Si vous n’êtes pas à l’origine de cette demande, vous n’avez rien à faire\u{a0}: sans votre \
                 confirmation, rien n’est envoyé.",
    },
    manage: LetterWords {
        subject: "Votre abonnement",
        title: |page| format!("Votre abonnement à {page}"),
        why: |page| {
            format!(
                "Quelqu’un, probablement vous, a demandé à {page} le lien vers cet abonnement. Vous y choisissez les \
                 informations à recevoir, la langue et le fuseau horaire, et vous pouvez vous y désabonner."
            )
        },
        how: "Pour modifier votre abonnement, ouvrez cette page\u{a0}:",
        button: "Ouvrir mon abonnement",
        expiry: "Le lien reste valable. Gardez-le pour vous\u{a0}: toute personne qui le possède peut modifier votre \
                 abonnement.",
        ignore: "Si vous n’êtes pas à l’origine de cette demande, vous n’avez rien à faire\u{a0}: rien n’a été modifié.",
    },
};
