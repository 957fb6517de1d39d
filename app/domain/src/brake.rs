//! When refusals are no longer about single people: what must not go on until everyone was refused.
//!
//! ```text
//! refused for what we are      > 5 % of the last 200, or the     the transport is shut (see [`crate::health`])
//!                              first five, of three domains
//! put off until later          90 % of the last 20 to 200        it is tried now and then, and no attempt counts
//! refused for what it says     three of the first 20             the broadcast is paused
//! refused for good             > 30 % of the last 20 to 200      the broadcast is paused: a server that has lost its list
//!                                                                of people says "no such user" to all of them
//! ```

use std::collections::{BTreeSet, VecDeque};

use crate::delivery::{Meaning, Recipient};

/// Of how many mails it is remembered what became of them.
const REMEMBERED: usize = 200;
/// More refused for what we are than this of those, and something is wrong with us: 5 %.
const TOLERATED: usize = REMEMBERED / 20;
/// So many refused and nothing else, and something is wrong with us …
const ALL_REFUSED: usize = 5;
/// … if they are of so many domains: one alone may have a grudge against us that no other has.
const DOMAINS: usize = 3;
/// Of how many mails of a broadcast three must not be refused for what it says; in all else fewer tell nothing.
const FIRST: usize = 20;

/// What was so of the latest mails.
#[derive(Clone, Debug, Default)]
struct Latest(VecDeque<bool>);

impl Latest {
    /// Notes one more; says of how many it is so, and how many there are.
    fn note(&mut self, is_so: bool) -> (usize, usize) {
        if self.0.len() == REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back(is_so);
        (self.0.iter().filter(|is_so| **is_so).count(), self.0.len())
    }
}

/// Which of the last mails were refused for what we are, and of which domains.
#[derive(Clone, Debug, Default)]
pub struct Refusals {
    latest: Latest,
    /// While all are refused.
    domains: BTreeSet<String>,
}

impl Refusals {
    /// Notes one more, to somebody at `domain`; says whether there are too many. Then it begins anew.
    ///
    /// Nothing that was taken is remembered after a restart, so a few refusals are all there is: they must not be one
    /// domain's, unless they are many.
    pub fn note(&mut self, is_refused: bool, domain: &str) -> bool {
        let (refused, all) = self.latest.note(is_refused);
        if refused == all && self.domains.len() < DOMAINS {
            self.domains.insert(domain.to_owned());
        }
        let are_all_refused = refused == all && refused >= ALL_REFUSED && self.domains.len() >= DOMAINS;
        let are_too_many = are_all_refused || (all >= FIRST && refused > TOLERATED);
        if are_too_many {
            *self = Self::default();
        }
        are_too_many
    }
}

/// Which of the last mails were told to come again later, for no reason that was their recipients'.
///
/// Not more than half, as of other trouble: whoever greylists newcomers may be a large part of a list, and takes the second
/// try. So what is put off again says nothing, and what is taken at the second try does.
#[derive(Clone, Debug, Default)]
pub struct PutOffs(Latest);

impl PutOffs {
    /// Notes one more; says whether nearly all are put off. Then it begins anew.
    pub fn note(&mut self, is_put_off: bool, is_first_try: bool) -> bool {
        if is_put_off && !is_first_try {
            return false;
        }
        let (put_off, all) = self.0.note(is_put_off);
        let are_too_many = is_put_off && all >= FIRST && put_off * 10 >= all * 9;
        if are_too_many {
            *self = Self::default();
        }
        are_too_many
    }
}

/// Why a broadcast must not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Halt {
    /// Three of its first twenty mails were refused for what they say.
    Message,
    /// So many of its latest mails were refused for good.
    Refused {
        /// How many.
        refused: usize,
        /// Of how many that were taken or refused.
        of: usize,
    },
}

/// What servers said to the mails of a broadcast.
#[derive(Clone, Debug, Default)]
pub struct Verdicts {
    seen: usize,
    refused_for_what_it_says: usize,
    latest: Latest,
    was_halted: bool,
}

impl Verdicts {
    /// Notes one more; says whether the broadcast must not go on.
    ///
    /// Whoever lets it go on after too many were refused has seen that: it takes 200 more until it is halted again, so that
    /// a list that is truly bad comes to its end.
    pub fn note(&mut self, meaning: Meaning) -> Option<Halt> {
        self.seen = self.seen.saturating_add(1);
        if meaning.is_about_the_message && self.seen <= FIRST {
            self.refused_for_what_it_says += 1;
            if self.refused_for_what_it_says >= 3 {
                return Some(Halt::Message);
            }
        }
        let is_refused = match meaning.recipient {
            Recipient::Sent => false,
            Recipient::Failed { .. } => true,
            _ => return None,
        };
        let (refused, of) = self.latest.note(is_refused);
        let least = if self.was_halted { REMEMBERED } else { FIRST };
        if of < least || refused * 10 <= of * 3 {
            return None;
        }
        (self.latest, self.was_halted) = (Latest::default(), true);
        Some(Halt::Refused { refused, of })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::{Answer, Outcome, Stage, meaning};

    fn sent() -> Meaning {
        meaning(&Outcome::Answered(Stage::Dot, Answer::new(250, ["2.0.0 Taken"])))
    }

    fn nobody() -> Meaning {
        meaning(&Outcome::Answered(Stage::Rcpt, Answer::new(550, ["5.1.1 No such user"])))
    }

    fn too_large() -> Meaning {
        meaning(&Outcome::Answered(Stage::Dot, Answer::new(552, ["5.3.4 Too large"])))
    }

    fn greylisted() -> Meaning {
        meaning(&Outcome::Answered(Stage::Rcpt, Answer::new(450, ["4.2.0 Greylisted"])))
    }

    /// After which of so many mails, counted from 1, a broadcast is halted.
    fn halts(mails: usize, meaning: impl Fn(usize) -> Meaning) -> Vec<(usize, Halt)> {
        let mut verdicts = Verdicts::default();
        (1..=mails).filter_map(|mail| Some((mail, verdicts.note(meaning(mail))?))).collect()
    }

    #[test]
    fn more_than_a_twentieth_refused_is_about_us() {
        let mut refusals = Refusals::default();
        assert!((0..1000).all(|mail| !refusals.note(mail % 20 == 0, "example.com")), "exactly a twentieth is borne");
        assert!((0..200).any(|mail| refusals.note(mail % 10 == 0, "example.com")));
    }

    #[test]
    fn a_few_refusals_and_nothing_else_are_about_us_if_not_all_are_of_one_domain() {
        let first = |domains: &[&str]| {
            let mut refusals = Refusals::default();
            let mut domains = domains.iter().cycle();
            (1..=200).find(|_| refusals.note(true, domains.next().unwrap()))
        };
        assert_eq!(first(&["a.example", "b.example", "c.example"]), Some(5));
        assert_eq!(first(&["a.example", "b.example"]), Some(20));
        assert_eq!(first(&["a.example"]), Some(20));
        let mut after_a_restart = Refusals::default();
        assert!((0..11).all(|mail| !after_a_restart.note(mail != 3, "a.example")), "one was taken");
    }

    #[test]
    fn a_server_that_puts_nearly_everyone_off_is_in_trouble() {
        let mut put_offs = PutOffs::default();
        assert_eq!((1..=20).filter(|_| put_offs.note(true, true)).count(), 1);
        let mut put_offs = PutOffs::default();
        let found = (1..=1000).find(|mail| put_offs.note(*mail > 500, true));
        assert_eq!(found, Some(680), "also when it begins in the middle");
    }

    #[test]
    fn greylisting_by_many_is_no_trouble() {
        let mut put_offs = PutOffs::default();
        assert!((0..1000).all(|mail| !put_offs.note(mail % 5 != 0, true)), "four of five");
        let mut again = PutOffs::default();
        assert!((0..1000).all(|_| !again.note(true, false)), "a few who are put off again and again");
    }

    #[test]
    fn three_of_the_first_twenty_stop_a_broadcast() {
        let stops = |refused: &[usize]| {
            let found = halts(100, |mail| if refused.contains(&mail) { too_large() } else { sent() });
            !found.is_empty() && found.iter().all(|(_, halt)| *halt == Halt::Message)
        };
        assert!(stops(&[1, 2, 3]) && stops(&[1, 11, 20]));
        assert!(!stops(&[1, 2]) && !stops(&[1, 2, 21, 31, 41]));
    }

    #[test]
    fn a_server_that_knows_nobody_stops_a_broadcast_after_twenty() {
        let found = halts(200, |_| nobody());
        assert_eq!(found, [(20, Halt::Refused { refused: 20, of: 20 })]);
        let found = halts(1_000, |mail| if mail <= 500 { sent() } else { nobody() });
        assert_eq!(found[0], (561, Halt::Refused { refused: 61, of: 200 }), "also when it happens in the middle");
    }

    #[test]
    fn a_list_of_which_a_fifth_is_wrong_goes_on() {
        assert_eq!(halts(10_000, |mail| if mail % 5 == 0 { nobody() } else { sent() }), []);
    }

    #[test]
    fn a_list_that_is_truly_bad_is_halted_every_two_hundred_mails() {
        let found = halts(500, |mail| if mail % 2 == 0 { nobody() } else { sent() });
        assert_eq!(found.iter().map(|(mail, _)| *mail).collect::<Vec<_>>(), [20, 220, 420]);
    }

    #[test]
    fn who_is_asked_to_come_again_says_neither() {
        let found = halts(100, |mail| if mail % 5 == 0 { nobody() } else { greylisted() });
        assert_eq!(found, [(100, Halt::Refused { refused: 20, of: 20 })]);
    }
}
