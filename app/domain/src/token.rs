//! Links in mails that prove who got the mail, and secrets that are stored only as their hash.
//!
//! A link token is not stored anywhere: it carries whom it is for and a signature of ours, so any node can write and
//! check millions of them without a row. Its 28 bytes are
//!
//! ```text
//! version  purpose  subscriber  generation  HMAC-SHA-256 of all before, first 80 bits
//!    1        1         8           8           10
//! ```
//!
//! (numbers big-endian), written in base64url without padding (RFC 4648, section 5): always [`LinkToken::LENGTH`]
//! characters, so that a prepared mail has room of a fixed size for it. 80 bits cannot be guessed over a network, and
//! truncating HMAC keeps its strength (RFC 2104, section 5).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use crate::ids::IncidentId;

const VERSION: u8 = 1;
const MAC_BYTES: usize = 10;
const SIGNED_BYTES: usize = 1 + 1 + 8 + 8;
const TOKEN_BYTES: usize = SIGNED_BYTES + MAC_BYTES;

/// The key of this installation, which all signatures come from.
///
/// It never signs anything itself: each use has a key derived from it, so that a signature for one use is worth
/// nothing for another. Whoever knows it can unsubscribe everyone; it is never shown, not even by [`fmt::Debug`].
#[derive(Clone)]
pub struct Secret([u8; 32]);

impl Secret {
    /// Takes 32 random bytes as the key.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The key for one use, named by a constant in the code; other names give unrelated keys.
    #[must_use]
    pub fn derive(&self, name: &str) -> Self {
        let key = self.mac(name.as_bytes()).finalize().into_bytes();
        Self(key.into())
    }

    /// The word that a subscriber's Return-Path carries, so that bounces can be told from forgeries.
    ///
    /// Always the same for a subscriber, because greylisting servers remember the sender; 16 lower-case hexadecimal
    /// digits (64 bits), which any mail server passes on unchanged in the part before the `@`.
    pub fn return_path_tag(&self, subscriber: i64) -> String {
        let mac = self.return_path_mac(subscriber).finalize().into_bytes();
        hexadecimal(&mac[..RETURN_PATH_BYTES])
    }

    /// Whether a bounce came to the Return-Path of this subscriber; in constant time, and in any case of letters.
    pub fn is_return_path_tag(&self, subscriber: i64, tag: &str) -> bool {
        let is_hexadecimal = tag.len() == 2 * RETURN_PATH_BYTES && tag.bytes().all(|b| b.is_ascii_hexdigit());
        let Some(mac) = u64::from_str_radix(tag, 16).ok().filter(|_| is_hexadecimal) else {
            return false;
        };
        self.return_path_mac(subscriber).verify_truncated_left(&mac.to_be_bytes()).is_ok()
    }

    /// Stands for an address whose owner is to be forgotten: who has the key can tell it again, but nobody can read it.
    pub fn erased_tag(&self, email_canonical: &str) -> String {
        let mac = self.derive("erased address").mac(email_canonical.as_bytes()).finalize().into_bytes();
        hexadecimal(&mac[..ERASED_BYTES])
    }

    /// Stands for the settings of a mail server, password and all: whether they were changed can be told, but not what they are.
    pub fn transport_tag(&self, settings: &str) -> String {
        let mac = self.derive("mail transport").mac(settings.as_bytes()).finalize().into_bytes();
        hexadecimal(&mac[..TRANSPORT_BYTES])
    }

    fn return_path_mac(&self, subscriber: i64) -> Hmac<Sha256> {
        self.derive("return path").mac(&subscriber.to_be_bytes())
    }

    /// The secret end of the link with which reviewers read a draft: `0123456789ab-` and 22 base64url characters.
    ///
    /// `preview` is which link it is: raising the stored number ends all links before.
    pub fn preview_token(&self, incident: &IncidentId, preview: i64) -> String {
        let mac = self.preview_mac(incident, preview).finalize().into_bytes();
        format!("{incident}-{}", URL_SAFE_NO_PAD.encode(&mac[..PREVIEW_BYTES]))
    }

    /// Whose postmortem a reviewers' link is about, if it has the form of one; [`Self::is_preview_token`] knows more.
    pub fn previewed(token: &str) -> Option<IncidentId> {
        token.split_once('-')?.0.parse().ok()
    }

    /// Whether a link is the one that reviewers were given last; in constant time.
    pub fn is_preview_token(&self, incident: &IncidentId, preview: i64, token: &str) -> bool {
        let Some((id, mac)) = token.split_once('-') else { return false };
        let Ok(mac) = URL_SAFE_NO_PAD.decode(mac) else { return false };
        let is_whole = mac.len() == PREVIEW_BYTES && id == incident.as_str() && preview > 0;
        is_whole && self.preview_mac(incident, preview).verify_truncated_left(&mac).is_ok()
    }

    fn preview_mac(&self, incident: &IncidentId, preview: i64) -> Hmac<Sha256> {
        self.derive("postmortem preview").mac(format!("{incident} {preview}").as_bytes())
    }

    pub(crate) fn mac(&self, message: &[u8]) -> Hmac<Sha256> {
        // HMAC fills keys up with zeros to the block size (RFC 2104, section 2).
        let mut block = [0; 64];
        block[..self.0.len()].copy_from_slice(&self.0);
        Hmac::new(&block.into()).chain_update(message)
    }
}

const RETURN_PATH_BYTES: usize = 8;
const PREVIEW_BYTES: usize = 16;
const ERASED_BYTES: usize = 16;
const TRANSPORT_BYTES: usize = 16;

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What a link in a mail is for; a token for one is refused for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Say yes to mails from this page.
    Confirm,
    /// Change what to hear about.
    Manage,
    /// Leave, also with one click (RFC 8058).
    Unsubscribe,
}

impl Purpose {
    const fn code(self) -> u8 {
        match self {
            Self::Confirm => 1,
            Self::Manage => 2,
            Self::Unsubscribe => 3,
        }
    }
}

/// What a link in a mail says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkToken {
    /// What it is for.
    pub purpose: Purpose,
    /// Whom it was sent to.
    pub subscriber: i64,
    /// Which round of this subscriber's subscription it belongs to. The stored number is raised with every confirmation
    /// mail and when the person leaves; comparing is up to the caller, who has the row and knows which links end by it.
    pub generation: i64,
}

impl LinkToken {
    /// How many characters every token has.
    pub const LENGTH: usize = (TOKEN_BYTES * 8).div_ceil(6);

    /// Writes the token, signed; safe in URLs as it is.
    pub fn sign(&self, secret: &Secret) -> String {
        let signed = self.signed_bytes();
        let mac = link_mac(secret, &signed).finalize().into_bytes();
        let mut bytes = [0; TOKEN_BYTES];
        bytes[..SIGNED_BYTES].copy_from_slice(&signed);
        bytes[SIGNED_BYTES..].copy_from_slice(&mac[..MAC_BYTES]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a token that came back, if it is ours and for this purpose; the signature is compared in constant time.
    pub fn parse(secret: &Secret, purpose: Purpose, text: &str) -> Result<Self, TokenError> {
        let mut bytes = [0; TOKEN_BYTES];
        if text.len() != Self::LENGTH {
            return Err(TokenError::Malformed);
        }
        match URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) {
            Ok(TOKEN_BYTES) => {}
            _ => return Err(TokenError::Malformed),
        }
        let (signed, mac) = bytes.split_at(SIGNED_BYTES);
        link_mac(secret, signed).verify_truncated_left(mac).map_err(|_| TokenError::Forged)?;
        if signed[0] != VERSION {
            return Err(TokenError::Forged);
        }
        if signed[1] != purpose.code() {
            return Err(TokenError::WrongPurpose);
        }
        Ok(Self { purpose, subscriber: number(&signed[2..10]), generation: number(&signed[10..18]) })
    }

    fn signed_bytes(&self) -> [u8; SIGNED_BYTES] {
        let mut bytes = [0; SIGNED_BYTES];
        bytes[0] = VERSION;
        bytes[1] = self.purpose.code();
        bytes[2..10].copy_from_slice(&self.subscriber.to_be_bytes());
        bytes[10..18].copy_from_slice(&self.generation.to_be_bytes());
        bytes
    }
}

fn link_mac(secret: &Secret, signed: &[u8]) -> Hmac<Sha256> {
    secret.derive("link").mac(signed)
}

fn number(bytes: &[u8]) -> i64 {
    bytes.iter().fold(0, |number, &byte| (number << 8) | i64::from(byte))
}

/// Why a link does not work, in words for whoever opened it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not a token at all; mostly a link that was cut while it was copied.
    #[error("This link is not complete. Open it from the mail again, or copy all of it.")]
    Malformed,
    /// The signature is not ours: made up, changed, or written with another key.
    #[error("This link is not valid. Open the newest mail you have from us, or subscribe again.")]
    Forged,
    /// Ours, but for something else.
    #[error("This link is for something else. Open the link in the mail that fits what you want to do.")]
    WrongPurpose,
}

/// The form in which a secret is stored: its SHA-256 in 64 lower-case hexadecimal digits.
///
/// For secrets of at least 128 random bits only (session ids, one-time links, API tokens): such cannot be guessed from
/// the hash. Passwords need Argon2. Look rows up by this hash, and no comparison of secrets leaks its time.
pub fn hash(text: &str) -> String {
    hexadecimal(&Sha256::digest(text.as_bytes()))
}

/// Writes 256 random bits as a secret to hand out once: `opaque("tds", …)` gives `tds_` and 43 base64url characters.
///
/// The prefix, given without its `_`, says what the secret is for to those who find it in a file, and lets scanners
/// find it before others do.
pub fn opaque(prefix: &str, random: [u8; 32]) -> String {
    format!("{prefix}_{}", URL_SAFE_NO_PAD.encode(random))
}

/// Two lower-case digits a byte.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECRET: Secret = Secret::from_bytes([7; 32]);
    const PURPOSES: [Purpose; 3] = [Purpose::Confirm, Purpose::Manage, Purpose::Unsubscribe];

    fn token() -> LinkToken {
        LinkToken { purpose: Purpose::Manage, subscriber: 42, generation: 3 }
    }

    #[test]
    fn a_token_reads_the_same_in_every_version_of_the_program() {
        // Links in mails that were sent long ago must go on working: computed with Python's hmac and base64.
        assert_eq!(token().sign(&SECRET), "AQIAAAAAAAAAKgAAAAAAAAADdoAA24goZ0Z7TA");
        assert_eq!(SECRET.return_path_tag(42), "fa816d3fc905cf87");
    }

    #[test]
    fn a_changed_character_anywhere_is_refused() {
        let text = token().sign(&SECRET);
        for at in 0..text.len() {
            for replacement in ["A", "_", "z", "=", " ", "\0"] {
                let mut changed = text.clone();
                changed.replace_range(at..=at, replacement);
                if changed != text {
                    assert!(LinkToken::parse(&SECRET, Purpose::Manage, &changed).is_err(), "{changed:?}");
                }
            }
        }
    }

    #[test]
    fn a_cut_token_is_called_incomplete() {
        let text = token().sign(&SECRET);
        for text in [&text[..text.len() - 1], &text[1..], "", &format!("{text}="), &"é".repeat(19)] {
            assert_eq!(LinkToken::parse(&SECRET, Purpose::Manage, text), Err(TokenError::Malformed), "{text:?}");
        }
    }

    #[test]
    fn another_key_or_another_use_of_the_key_signs_nothing_here() {
        let foreign = token().sign(&Secret::from_bytes([8; 32]));
        let derived = token().sign(&SECRET.derive("link"));
        for text in [foreign, derived] {
            assert_eq!(LinkToken::parse(&SECRET, Purpose::Manage, &text), Err(TokenError::Forged));
        }
    }

    #[test]
    fn a_return_path_tag_is_for_one_subscriber_and_survives_upper_case() {
        let tag = SECRET.return_path_tag(42);
        assert!(SECRET.is_return_path_tag(42, &tag));
        assert!(SECRET.is_return_path_tag(42, &tag.to_uppercase()));
        assert!(!SECRET.is_return_path_tag(43, &tag));
        for wrong in ["", "0", "+000000000000000", &tag[1..], &"é".repeat(8), &format!("{tag}0")] {
            assert!(!SECRET.is_return_path_tag(42, wrong), "{wrong:?}");
        }
    }

    #[test]
    fn a_reviewers_link_is_good_until_the_next_one() {
        let (one, other) = (IncidentId::from_random(1), IncidentId::from_random(2));
        let token = SECRET.preview_token(&one, 1);
        assert_eq!((token.len(), Secret::previewed(&token)), (35, Some(one.clone())));
        assert!(SECRET.is_preview_token(&one, 1, &token));
        assert!(!SECRET.is_preview_token(&one, 2, &token) && !SECRET.is_preview_token(&other, 1, &token));
        assert!(!SECRET.is_preview_token(&one, 0, &SECRET.preview_token(&one, 0)), "there is no link yet");
        assert!(!Secret::from_bytes([8; 32]).is_preview_token(&one, 1, &token));
        let foreign = format!("{other}{}", &token[12..]);
        for wrong in ["", "-", "nobody", &token[..34], &format!("{token}A"), &foreign, &token[12..]] {
            assert!(!SECRET.is_preview_token(&one, 1, wrong), "{wrong:?}");
        }
    }

    #[test]
    fn a_hash_is_the_sha_256_that_everyone_computes() {
        assert_eq!(hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn an_opaque_secret_says_what_it_is_for() {
        let secret = opaque("tds", [0xff; 32]);
        assert_eq!(secret, format!("tds_{}8", "_".repeat(42)));
    }

    #[test]
    fn logs_never_show_the_key() {
        assert_eq!(format!("{SECRET:?}"), "Secret(…)");
    }

    proptest! {
        #[test]
        fn what_was_signed_is_read_for_its_purpose_only(
            subscriber: i64, generation: i64, purpose in prop::sample::select(&PURPOSES[..]), key: [u8; 32],
        ) {
            let secret = Secret::from_bytes(key);
            let token = LinkToken { purpose, subscriber, generation };
            let text = token.sign(&secret);
            prop_assert_eq!(text.len(), LinkToken::LENGTH);
            prop_assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
            for wanted in PURPOSES {
                let expected = if wanted == purpose { Ok(token) } else { Err(TokenError::WrongPurpose) };
                prop_assert_eq!(LinkToken::parse(&secret, wanted, &text), expected);
            }
        }

        #[test]
        fn arbitrary_text_is_never_a_token(text in "\\PC{0,60}|[A-Za-z0-9_-]{38}") {
            for purpose in PURPOSES {
                prop_assert!(LinkToken::parse(&SECRET, purpose, &text).is_err());
            }
        }
    }
}
