//! The sentences of mails: one table a language.

mod english;
mod french;
mod german;
mod spanish;

use super::Locale;

/// Everything that mails say by themselves. `fn` where something is put into the sentence.
#[derive(Clone, Copy, Debug)]
pub struct MailWords {
    /// An update of an incident.
    pub update: UpdateWords,
    /// A postmortem.
    pub postmortem: PostmortemWords,
    /// A request to confirm an address.
    pub confirmation: LetterWords,
    /// The way to one's own subscription, sent to whoever lost it.
    pub manage: LetterWords,
}

/// What a mail about an update says.
#[derive(Clone, Copy, Debug)]
pub struct UpdateWords {
    /// The incident was over and is not any more.
    pub reopened: &'static str,
    /// It was mailed before and says something else since.
    pub correction: &'static str,
    /// The same in a sentence.
    pub corrected: &'static str,
    /// How long it lasted, given `1 h 27 min`.
    pub lasted: fn(&str) -> String,
    /// When more will be known, given the time.
    pub next_update: fn(&str) -> String,
    /// Above the components.
    pub affected: &'static str,
    /// Above what was said before.
    pub earlier: &'static str,
    /// How much was said even before that, given how many updates; at least one.
    pub older: fn(usize) -> String,
    /// In place of an update that its author took back.
    pub removed: &'static str,
    /// Before the page's address.
    pub on_the_page: &'static str,
    /// On the button that leads there.
    pub open_the_page: &'static str,
    /// Why someone gets this mail, given the page's name.
    pub why: fn(&str) -> String,
    /// The link to what they hear about.
    pub choose: &'static str,
    /// The link to leave.
    pub unsubscribe: &'static str,
}

/// What a mail with a postmortem says besides what [`UpdateWords`] say.
#[derive(Clone, Copy, Debug)]
pub struct PostmortemWords {
    /// Who signed it, given their name.
    pub by: fn(&str) -> String,
    /// When it broke, given the time.
    pub started: fn(&str) -> String,
    /// When it was noticed, given the time.
    pub detected: fn(&str) -> String,
    /// How long nobody noticed, given how long.
    pub after: fn(&str) -> String,
    /// When customers no longer felt it, given the time.
    pub mitigated: fn(&str) -> String,
    /// When it was over, given the time.
    pub resolved: fn(&str) -> String,
    /// Above what is done about it.
    pub follow_ups: &'static str,
    /// Something that is done.
    pub done: &'static str,
    /// Something that is not.
    pub to_do: &'static str,
    /// The same with a date.
    pub to_do_by: fn(&str) -> String,
    /// Before the address of the postmortem's page.
    pub on_the_page: &'static str,
}

/// What a letter with one link says.
#[derive(Clone, Copy, Debug)]
pub struct LetterWords {
    /// Its subject.
    pub subject: &'static str,
    /// Its heading, given the page's name.
    pub title: fn(&str) -> String,
    /// Why it was sent, given the page's name.
    pub why: fn(&str) -> String,
    /// Before the link, where there is no button.
    pub how: &'static str,
    /// On the button.
    pub button: &'static str,
    /// For how long.
    pub expiry: &'static str,
    /// If someone else asked.
    pub ignore: &'static str,
}

/// A question to those who run the page, whose console speaks English: does mail reach them?
pub const OWN_ADDRESS: LetterWords = LetterWords {
    subject: "Confirm your address",
    title: |page| format!("Confirm your address for {page}"),
    why: |page| {
        format!(
            "Someone who is signed in to the console of {page}, probably you, asked whether mail reaches this address: \
             when something is wrong with the page’s mail, alerts come here."
        )
    },
    how: "To confirm, open this page and press the button:",
    button: "Confirm this address",
    expiry: "The link works once, within 24 hours.",
    ignore: "If it was not you, somebody else may be signed in to your account: change your password.",
};

impl Locale {
    /// What mails say in this language.
    pub fn mail_words(self) -> &'static MailWords {
        match self {
            Self::English => &english::WORDS,
            Self::German => &german::WORDS,
            Self::French => &french::WORDS,
            Self::Spanish => &spanish::WORDS,
        }
    }
}
