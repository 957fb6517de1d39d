use proptest::prelude::*;

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + seconds).unwrap()
}

fn fine() -> Health {
    Health::new(at(0))
}

fn failed(health: &Health, condition: Condition, seconds: i64) -> Health {
    health.failed(condition, "no", at(seconds), at(seconds), 0).unwrap()
}

#[test]
fn what_cannot_be_reached_is_tried_with_growing_patience() {
    let (mut health, mut now, mut tries) = (fine(), 0, 0);
    while now < 300 {
        match health.permission(at(now)) {
            Permission::NotBefore(then) => now = then.duration_since(at(0)).as_secs(),
            _ => {
                health = failed(&health, Condition::Unreachable, now + 1);
                now += 1;
                tries += 1;
            }
        }
    }
    assert!((8..=9).contains(&tries), "{tries} tries in five minutes");
    for _ in 0..100 {
        now += 1000;
        health = failed(&health, Condition::Unreachable, now);
    }
    assert_eq!(health.permission(at(now)), Permission::NotBefore(at(now + 300)), "at least every five minutes");
}

#[test]
fn those_that_fail_together_count_once() {
    let health = failed(&fine(), Condition::Unreachable, 10);
    assert_eq!(health.failed(Condition::Unreachable, "no", at(9), at(11), 0), None);
    assert_eq!(failed(&health, Condition::Unreachable, 12).failures, 2);
    let graver = health.failed(Condition::Broken, "535", at(9), at(11), 0).unwrap();
    assert_eq!((graver.condition, graver.failures), (Condition::Broken, 1));
    assert_eq!(graver.failed(Condition::Throttled, "450", at(9), at(12), 0), None);
}

#[test]
fn one_try_that_works_makes_it_fine() {
    let health = failed(&fine(), Condition::Broken, 10);
    assert_eq!(health.permission(at(11)), Permission::NotBefore(at(310)));
    assert_eq!(health.permission(at(310)), Permission::Once);
    let tried = health.tried(at(310), 0);
    assert_eq!(tried.permission(at(311)), Permission::NotBefore(at(610)), "only one tries");
    assert_eq!(tried.worked(at(9), at(312)), None, "what was begun before says nothing");
    let fine = tried.worked(at(311), at(312)).unwrap();
    assert_eq!((fine.condition, fine.permission(at(312))), (Condition::Fine, Permission::Freely));
}

#[test]
fn a_server_that_is_too_slow_for_us_gets_half_and_then_more_each_minute() {
    let rate = Rate::per_second(20);
    let health = failed(&fine(), Condition::Throttled, 0);
    assert_eq!(health.permission(at(1)), Permission::NotBefore(at(5)));
    assert_eq!(health.permission(at(5)), Permission::Freely);
    let paces = [5, 64, 65, 125, 305, 605, 6000].map(|seconds| health.pace(at(seconds)));
    assert_eq!(paces, [50, 50, 55, 60, 75, 100, 100]);
    assert_eq!(health.paced(rate, at(5)), Rate::per_second(10));
    assert_eq!(health.worked(at(60), at(65)), None);
    assert_eq!(health.worked(at(600), at(605)).unwrap().condition, Condition::Fine);

    let again = failed(&health, Condition::Throttled, 10);
    assert_eq!(again.permission(at(11)), Permission::NotBefore(at(20)), "5 s, then 10 s");
    assert_eq!(again.paced(rate, at(20)), Rate::per_second(5));
    let later = failed(&again, Condition::Throttled, 100);
    assert_eq!(later.permission(at(101)), Permission::NotBefore(at(105)), "after a clean minute from the start");
    assert_eq!(later.paced(Rate::UNLIMITED, at(105)), Rate::per_second(15));
}

#[test]
fn a_server_that_puts_everyone_off_is_left_alone_for_longer_and_longer_and_loses_no_pace() {
    let mut health = failed(&fine(), Condition::PuttingOff, 0);
    for pause in [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
        let noted = health.noted_at.duration_since(at(0)).as_secs();
        assert_eq!(health.permission(at(noted)), Permission::NotBefore(at(noted + pause)));
        assert_eq!(
            health.permission(at(noted + pause)),
            Permission::Freely,
            "so that those come to their turn who were put off"
        );
        assert_eq!(health.pace(at(noted + pause)), 100);
        health = failed(&health, Condition::PuttingOff, noted + pause + 1);
    }
    assert_eq!(health.worked(at(5000), at(5001)).unwrap().condition, Condition::Fine);
}

#[test]
fn owners_hear_of_what_need_not_pass_by_itself() {
    use Condition::{Broken, PuttingOff, QuotaReached, Refused};
    let alarming = Condition::ALL.iter().copied().filter(|condition| condition.is_alarming());
    assert_eq!(alarming.collect::<Vec<_>>(), [PuttingOff, QuotaReached, Refused, Broken]);
}

#[test]
fn a_used_up_quota_is_tried_every_ten_minutes() {
    let health = failed(&fine(), Condition::QuotaReached, 0);
    assert_eq!(health.permission(at(599)), Permission::NotBefore(at(600)));
    assert_eq!(health.permission(at(600)), Permission::Once);
    let again = failed(&health, Condition::QuotaReached, 601);
    assert_eq!((again.since, again.permission(at(602))), (at(0), Permission::NotBefore(at(1201))));
}

#[test]
fn a_cap_is_learnt_and_costs_no_speed() {
    assert_eq!(fine().closed_after(49), None);
    let capped = fine().closed_after(50).unwrap();
    assert_eq!((capped.cap, capped.condition, capped.pace(at(0))), (Some(40), Condition::Fine, 100));
    assert_eq!(capped.closed_after(100), None);
    assert_eq!(capped.closed_after(50), None);
    assert_eq!(failed(&capped, Condition::Unreachable, 1).worked(at(2), at(3)).unwrap().cap, Some(40));
    assert_eq!((trouble(Word::Reconnect, 50), trouble(Word::Reconnect, 3)), (None, Some(Condition::Unreachable)));
}

proptest! {
    #[test]
    fn no_clock_makes_it_wait_longer_than_ten_minutes_and_a_fifth(
        steps in prop::collection::vec((0_usize..7, -100_000_i64..100_000, any::<u64>()), 1..50)
    ) {
        let mut health = fine();
        let mut now = 0;
        for (kind, step, jitter) in steps {
            now += step;
            let condition = Condition::ALL[kind];
            let next = if condition == Condition::Fine {
                health.worked(at(now), at(now))
            } else {
                health.failed(condition, "", at(now), at(now), jitter)
            };
            health = next.unwrap_or(health);
            if let Permission::NotBefore(then) = health.permission(at(now)) {
                prop_assert!(then.duration_since(at(now)) <= SignedDuration::from_secs(720));
            }
            prop_assert!((1..=100).contains(&health.pace(at(now))));
        }
    }
}
