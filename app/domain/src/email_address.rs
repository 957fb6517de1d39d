//! Email addresses, parsed once: whoever holds an [`EmailAddress`] may put it into a header or an SMTP command.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An address that mail can be sent to, as it was typed, without the white space around it.
///
/// What is accepted is the dot-atom form of [RFC 5321, section 4.1.2](https://www.rfc-editor.org/rfc/rfc5321#section-4.1.2)
/// within its sizes, in ASCII. Quoted local parts and address literals exist on paper only, and quotes, commas, white
/// space and angle brackets are how headers get forged. Non-ASCII is refused: addresses before the `@` would need SMTPUTF8
/// on every server on the way, and a domain in its `xn--` form reaches the same mailbox through all of them and has a
/// single spelling.
///
/// Two spellings of an address are unequal; compare and store [`EmailAddress::canonical`] to know people again.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress(String);

impl EmailAddress {
    /// The address as it was typed, for envelopes, headers and people.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the `@`, which only the receiving server may interpret.
    pub fn local(&self) -> &str {
        self.parts().0
    }

    /// The part after the `@`, in ASCII; international domains in their `xn--` form.
    pub fn domain(&self) -> &str {
        self.parts().1
    }

    /// The address in lower case, under which a person is stored once.
    ///
    /// Domains ignore case; local parts may not (RFC 5321, section 2.4), but no provider in use gives `Jo@` and `jo@` to
    /// different people. Tags (`jo+status@`) and dots are kept: what they mean is the provider's to say.
    pub fn canonical(&self) -> String {
        self.0.to_ascii_lowercase()
    }

    fn parts(&self) -> (&str, &str) {
        self.0.split_once('@').unwrap_or((&self.0, ""))
    }
}

impl FromStr for EmailAddress {
    type Err = EmailAddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if text.is_empty() {
            return Err(EmailAddressError::Empty);
        }
        if !text.is_ascii() {
            return Err(EmailAddressError::NotAscii);
        }
        if text.bytes().any(|b| b.is_ascii_control() || b" \"(),:;<>[\\]".contains(&b)) {
            return Err(EmailAddressError::NotPlain);
        }
        let (local, domain) = text.split_once('@').ok_or(EmailAddressError::NoAt)?;
        if text.len() > MAX_LENGTH || local.len() > MAX_LOCAL_LENGTH {
            return Err(EmailAddressError::TooLong);
        }
        if !local.split('.').all(is_atom) {
            return Err(EmailAddressError::Local);
        }
        if !is_domain(domain) {
            return Err(EmailAddressError::Domain);
        }
        Ok(Self(text.to_owned()))
    }
}

/// RFC 5321, section 4.5.3.1.3: a path has at most 256 octets, two of them its angle brackets. With the `@` this also
/// keeps the domain below its 255.
const MAX_LENGTH: usize = 254;

/// RFC 5321, section 4.5.3.1.1.
const MAX_LOCAL_LENGTH: usize = 64;

/// RFC 5322, section 3.2.3.
fn is_atom(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b))
}

/// RFC 1123, section 2.1, with a dot as on the internet, or `localhost` for those who try things out. An IPv4 address
/// does not count.
fn is_domain(text: &str) -> bool {
    if text.eq_ignore_ascii_case("localhost") {
        return true;
    }
    let Some((_, last)) = text.rsplit_once('.') else {
        return false;
    };
    text.split('.').all(is_label) && !last.bytes().all(|b| b.is_ascii_digit())
}

fn is_label(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

impl TryFrom<String> for EmailAddress {
    type Error = EmailAddressError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<EmailAddress> for String {
    fn from(address: EmailAddress) -> Self {
        address.0
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Masked, `j…@example.com`, because what is debugged ends up in logs.
impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (local, domain) = self.parts();
        let first = local.chars().next().unwrap_or('…');
        write!(f, "{first}…@{domain}")
    }
}

/// Why a text is not an address, in words for whoever typed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EmailAddressError {
    /// Nothing but white space.
    #[error("Enter an email address.")]
    Empty,
    /// There is no `@`.
    #[error("Enter the whole address, with an @ as in name@example.com.")]
    NoAt,
    /// A name, several addresses, quotes, brackets or a control character.
    #[error("Enter one address only, as in name@example.com: no name, spaces, commas, quotes or brackets.")]
    NotPlain,
    /// A letter outside ASCII.
    #[error(
        "Enter the address without accents or special letters; for an international domain use the form that begins with xn--."
    )]
    NotAscii,
    /// The part before the `@` is empty or malformed.
    #[error("Check the part before the @: it may not be empty, nor begin, end or double a dot.")]
    Local,
    /// The part after the `@` is not a domain.
    #[error("Check the part after the @: it should be a domain such as example.com.")]
    Domain,
    /// Longer than mail servers accept.
    #[error("This address is too long: at most 64 characters before the @ and 254 in all.")]
    TooLong,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::EmailAddressError::*;
    use super::*;

    #[test]
    fn ordinary_addresses_are_kept_as_typed() {
        for text in [
            "jo@example.com",
            "Jo.Doe+status@Mail.Example.COM",
            "o'neil@example.co.uk",
            "a@b.c",
            "!#$%&'*+-/=?^_`{|}~@example.com",
            "root@localhost",
            "jo@xn--bcher-kva.example",
            "1@1.2a",
            &format!("{}@example.com", "a".repeat(64)),
            &format!("a@{}.com", "b".repeat(63)),
        ] {
            assert_eq!(text.parse::<EmailAddress>().unwrap().as_str(), text);
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let long = format!("a@{}com", "b23456789.".repeat(25));
        assert_eq!(long.len(), 255);
        for (text, error) in [
            ("", Empty),
            (" \r\n\t", Empty),
            ("jo", NoAt),
            ("example.com", NoAt),
            ("@example.com", Local),
            (".jo@example.com", Local),
            ("jo.@example.com", Local),
            ("jo..doe@example.com", Local),
            ("jo@", Domain),
            ("jo@example", Domain),
            ("jo@example.", Domain),
            ("jo@.com", Domain),
            ("jo@example..com", Domain),
            ("jo@-example.com", Domain),
            ("jo@example-.com", Domain),
            ("jo@exa_mple.com", Domain),
            ("jo@doe@example.com", Domain),
            ("jo@127.0.0.1", Domain),
            (&format!("a@{}.com", "b".repeat(64)), Domain),
            ("Jo <jo@example.com>", NotPlain),
            ("<jo@example.com>", NotPlain),
            ("jo@example.com, al@example.com", NotPlain),
            ("jo@example.com;al@example.com", NotPlain),
            ("\"jo\"@example.com", NotPlain),
            ("jo doe@example.com", NotPlain),
            ("jo@[127.0.0.1]", NotPlain),
            ("mailto:jo@example.com", NotPlain),
            ("jo@example.com\r\nBcc: al@example.com", NotPlain),
            ("jo\0@example.com", NotPlain),
            ("jo@example.com\0", NotPlain),
            ("jo\u{7f}@example.com", NotPlain),
            ("jö@example.com", NotAscii),
            ("jo@bücher.example", NotAscii),
            ("jo@example.com\u{200b}", NotAscii),
            (&format!("{}@example.com", "a".repeat(65)), TooLong),
            (&long, TooLong),
        ] {
            assert_eq!(text.parse::<EmailAddress>(), Err(error), "{text:?}");
        }
    }

    #[test]
    fn the_longest_address_that_servers_accept_is_accepted() {
        let text = format!("a@{}co", "b23456789.".repeat(25));
        assert_eq!(text.len(), 254);
        assert!(text.parse::<EmailAddress>().is_ok());
    }

    #[test]
    fn white_space_around_an_address_is_not_part_of_it() {
        let address: EmailAddress = "\u{a0} jo@example.com\r\n".parse().unwrap();
        assert_eq!(address.to_string(), "jo@example.com");
    }

    #[test]
    fn spellings_of_one_mailbox_have_one_canonical_form() {
        let address: EmailAddress = "Jo+Tag@Example.COM".parse().unwrap();
        assert_eq!(address.canonical(), "jo+tag@example.com");
        assert_eq!((address.local(), address.domain()), ("Jo+Tag", "Example.COM"));
    }

    #[test]
    fn logs_show_the_first_letter_only() {
        let address: EmailAddress = "jo.doe@example.com".parse().unwrap();
        assert_eq!(format!("{:?}", Some(address)), "Some(j…@example.com)");
    }

    #[test]
    fn in_json_an_address_is_checked_text() {
        let address: EmailAddress = serde_json::from_str("\" jo@example.com\"").unwrap();
        assert_eq!(serde_json::to_string(&address).unwrap(), "\"jo@example.com\"");
        let refused = serde_json::from_str::<EmailAddress>("\"jo@\"").unwrap_err();
        assert!(refused.to_string().starts_with("Check the part after the @"));
    }

    proptest! {
        #[test]
        fn whatever_parses_is_safe_in_a_header_and_parses_again(
            text in "[ -~\r\n\u{0}é]{0,8}@?[a-z\r\n ]{0,6}[.][ -~\r\n]{0,6}|\\PC*|[a-zA-Z0-9.+]{1,9}@[a-z0-9-]{1,9}[.][a-z.]{1,5}",
        ) {
            if let Ok(address) = text.parse::<EmailAddress>() {
                prop_assert!(address.as_str().bytes().all(|b| b.is_ascii_graphic() && !b"\"(),:;<>[\\]".contains(&b)));
                prop_assert_eq!(format!("{}@{}", address.local(), address.domain()), address.as_str());
                prop_assert!(!address.domain().contains('@'));
                prop_assert_eq!(address.as_str().parse::<EmailAddress>(), Ok(address.clone()));
                let canonical: EmailAddress = address.canonical().parse().unwrap();
                prop_assert_eq!(canonical.canonical(), address.canonical());
            }
        }
    }
}
