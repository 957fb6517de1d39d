//! A puzzle that a browser solves within seconds and whoever signs up a hundred thousand addresses finds dear.
//!
//! It is a proof of work: find a number that, written behind the challenge and a dot, gives a SHA-256 that begins with so
//! many zero bits. Finding it takes 2¹⁶ hashes in the mean, checking it takes one. Nothing is stored before it is solved:
//! a challenge carries all that is needed to know it again. Its 28 bytes are
//!
//! ```text
//! version  difficulty  end (unix seconds)  nonce  HMAC-SHA-256 of all before and the address, first 80 bits
//!    1         1               8             8      10
//! ```
//!
//! (numbers big-endian), written in base64url without padding. It is worth nothing for another address, and once: whoever
//! checks one keeps its [`Challenge::name`].

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};

use crate::{email_address::EmailAddress, token::Secret};

const VERSION: u8 = 1;
/// How many bits of the hash are zero: one to three seconds on a telephone of 2020, where scripts get 20,000 to 60,000
/// hashes a second.
const DIFFICULTY: u8 = 16;
/// How long it can be solved: whoever reads their mail meanwhile is not too late.
const VALID: SignedDuration = SignedDuration::from_hours(1);
const SIGNED_BYTES: usize = 1 + 1 + 8 + 8;
const MAC_BYTES: usize = 10;
const BYTES: usize = SIGNED_BYTES + MAC_BYTES;
/// No number that anybody would have to try is longer.
const LONGEST_ANSWER: usize = 20;

/// A puzzle set to whoever typed an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Challenge {
    difficulty: u8,
    /// In unix seconds.
    end: i64,
    nonce: u64,
}

impl Challenge {
    /// A new one; `nonce` is 64 random bits.
    pub fn new(nonce: u64, now: Timestamp) -> Self {
        Self { difficulty: DIFFICULTY, end: now.as_second() + VALID.as_secs(), nonce }
    }

    /// As the page carries it, good for one address.
    pub fn sign(&self, secret: &Secret, email: &EmailAddress) -> String {
        let signed = self.signed_bytes();
        let mac = mac(secret, &signed, email).finalize().into_bytes();
        let mut bytes = [0; BYTES];
        bytes[..SIGNED_BYTES].copy_from_slice(&signed);
        bytes[SIGNED_BYTES..].copy_from_slice(&mac[..MAC_BYTES]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The challenge of which this is the answer, if it is ours, for this address, not too old, and solved.
    pub fn solved(secret: &Secret, email: &EmailAddress, text: &str, answer: &str, now: Timestamp) -> Option<Self> {
        let mut bytes = [0; BYTES];
        let is_whole = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) == Ok(BYTES);
        let (signed, theirs) = bytes.split_at(SIGNED_BYTES);
        let is_ours = is_whole && mac(secret, signed, email).verify_truncated_left(theirs).is_ok();
        if !is_ours || signed[0] != VERSION {
            return None;
        }
        let number = |bytes: &[u8]| bytes.iter().fold(0, |number: u64, &byte| (number << 8) | u64::from(byte));
        let end = number(&signed[2..10]).cast_signed();
        let challenge = Self { difficulty: signed[1], end, nonce: number(&signed[10..18]) };
        (end >= now.as_second() && challenge.is_answer(text, answer)).then_some(challenge)
    }

    fn is_answer(&self, text: &str, answer: &str) -> bool {
        let is_number = (1..=LONGEST_ANSWER).contains(&answer.len()) && answer.bytes().all(|b| b.is_ascii_digit());
        let hash = Sha256::new().chain_update(text).chain_update(".").chain_update(answer).finalize();
        let zeros = hash.iter().take(8).fold(0, |number: u64, &byte| (number << 8) | u64::from(byte)).leading_zeros();
        is_number && zeros >= u32::from(self.difficulty)
    }

    /// How many bits of the hash have to be zero.
    pub fn difficulty() -> u8 {
        DIFFICULTY
    }

    /// What tells it from all others.
    pub fn name(&self) -> String {
        format!("{:016x}", self.nonce)
    }

    /// When it ends, whichever clock asks.
    pub fn end(&self) -> Timestamp {
        Timestamp::from_second(self.end).unwrap_or(Timestamp::MAX)
    }

    fn signed_bytes(&self) -> [u8; SIGNED_BYTES] {
        let mut bytes = [0; SIGNED_BYTES];
        bytes[0] = VERSION;
        bytes[1] = self.difficulty;
        bytes[2..10].copy_from_slice(&self.end.to_be_bytes());
        bytes[10..18].copy_from_slice(&self.nonce.to_be_bytes());
        bytes
    }
}

fn mac(secret: &Secret, signed: &[u8], email: &EmailAddress) -> Hmac<Sha256> {
    secret.derive("challenge").mac(signed).chain_update(email.canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: Secret = Secret::from_bytes([7; 32]);

    fn now() -> Timestamp {
        "2026-02-05T13:52:00.5Z".parse().unwrap()
    }

    fn email(text: &str) -> EmailAddress {
        text.parse().unwrap()
    }

    /// As a browser does.
    fn solve(text: &str) -> String {
        let zeros = |answer: &u64| Sha256::digest(format!("{text}.{answer}"))[..2] == [0, 0];
        (0..u64::MAX).find(zeros).unwrap().to_string()
    }

    #[test]
    fn an_answer_is_good_for_its_address_until_it_ends() {
        let challenge = Challenge::new(42, now());
        let text = challenge.sign(&SECRET, &email("Reader@example.com"));
        let answer = solve(&text);
        let solved = |secret: &Secret, address: &str, text: &str, answer: &str, at: Timestamp| {
            Challenge::solved(secret, &email(address), text, answer, at)
        };
        assert_eq!(solved(&SECRET, "reader@EXAMPLE.com", &text, &answer, now()), Some(challenge));
        let end = challenge.end();
        assert_eq!(solved(&SECRET, "reader@example.com", &text, &answer, end), Some(challenge));
        assert_eq!(solved(&SECRET, "reader@example.com", &text, &answer, end + SignedDuration::from_secs(1)), None);
        assert_eq!(solved(&SECRET, "other@example.com", &text, &answer, now()), None);
        assert_eq!(solved(&Secret::from_bytes([8; 32]), "reader@example.com", &text, &answer, now()), None);
        let next = (answer.parse::<u64>().unwrap() + 1).to_string();
        for wrong in ["", "-1", "0x1", next.as_str(), &format!("{answer} "), &"1".repeat(21)] {
            assert_eq!(solved(&SECRET, "reader@example.com", &text, wrong, now()), None, "{wrong:?}");
        }
    }

    #[test]
    fn nobody_makes_an_easier_one() {
        let text =
            Challenge { difficulty: 0, end: now().as_second() + 60, nonce: 1 }.sign(&SECRET, &email("a@b.example"));
        let mut bytes = URL_SAFE_NO_PAD.decode(Challenge::new(1, now()).sign(&SECRET, &email("a@b.example"))).unwrap();
        bytes[1] = 0;
        let easier = URL_SAFE_NO_PAD.encode(bytes);
        assert_eq!(Challenge::solved(&SECRET, &email("a@b.example"), &easier, "0", now()), None);
        // The same, signed by us, would do: it is the signature that forbids it.
        assert!(Challenge::solved(&SECRET, &email("a@b.example"), &text, "0", now()).is_some());
        for wrong in ["", "nonsense", &text[1..], &format!("{text}="), &"é".repeat(19)] {
            assert_eq!(Challenge::solved(&SECRET, &email("a@b.example"), wrong, "0", now()), None, "{wrong:?}");
        }
    }
}
