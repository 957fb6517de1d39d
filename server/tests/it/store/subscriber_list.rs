//! Finding subscribers, and what they were sent.

use domain::{
    broadcast::Lane,
    delivery::DeliveryState,
    ids::{ComponentId, DeliveryId, SubscriberId},
    status::IncidentStatus::{Identified, Investigating},
    subscriber::{Followed, Follows, SubscriberFilter, SubscriberState},
};
use jiff::{SignedDuration, Timestamp};
use server::store::{
    Store,
    deliveries::{Letter, NewLetter},
    subscriber_list::SentMessage,
    subscribers::Subscriber,
};

use super::{at, email, follows, incident, put_incident, put_subscribers, subscriber, update, with_components};
use crate::support::{company::Company, db::on_both};

on_both!(
    a_filter_finds_whom_it_should_newest_first_and_page_by_page,
    subscribers_come_with_all_they_follow,
    what_someone_was_sent_is_listed_newest_first_and_page_by_page,
);

const NEWEST: SubscriberId = SubscriberId(i64::MAX);

/// Six people, the odd ones of whom follow component 1; the third left, the fourth is asked.
async fn with_people(store: &Store) -> Vec<Subscriber> {
    with_components(store, 2).await;
    put_incident(store, &incident(1, vec![update(0, Identified, &[])])).await;
    let mut people: Vec<_> = (1..=6)
        .map(|id| subscriber(id, if id % 2 == 1 { follows(&[1, 2], &[1]) } else { Follows::everything() }))
        .collect();
    people[2].state = SubscriberState::Unsubscribed;
    people[3].state = SubscriberState::Pending;
    people[4].email = email("Some_One%@Example.org");
    put_subscribers(store, &people).await;
    people
}

async fn a_filter_finds_whom_it_should_newest_first_and_page_by_page(store: Store) {
    with_people(&store).await;
    let everyone = SubscriberFilter::default();
    let find = async |filter: &SubscriberFilter, before, limit| {
        let found = store.find_subscribers(filter, before, limit).await.unwrap();
        found.into_iter().map(|id| id.0).collect::<Vec<_>>()
    };
    assert_eq!(find(&everyone, NEWEST, 10).await, [6, 5, 4, 3, 2, 1]);
    assert_eq!(find(&everyone, NEWEST, 2).await, [6, 5]);
    assert_eq!(find(&everyone, SubscriberId(5), 2).await, [4, 3]);
    assert_eq!(find(&everyone, SubscriberId(1), 2).await, Vec::<i64>::new());
    let text = |text: &str| SubscriberFilter { text: text.into(), ..everyone.clone() };
    assert_eq!(find(&text("example.org"), NEWEST, 10).await, [5]);
    assert_eq!(find(&text("person"), NEWEST, 10).await, [6, 4, 3, 2, 1]);
    // What means something to a database means only itself here.
    assert_eq!(find(&text("_one%"), NEWEST, 10).await, [5]);
    assert_eq!(find(&text("%"), NEWEST, 10).await, [5]);
    assert_eq!(find(&text("' or 1=1 --"), NEWEST, 10).await, Vec::<i64>::new());
    let state = |state| SubscriberFilter { state: Some(state), ..everyone.clone() };
    assert_eq!(find(&state(SubscriberState::Unsubscribed), NEWEST, 10).await, [3]);
    assert_eq!(find(&state(SubscriberState::Active), NEWEST, 10).await, [6, 5, 2, 1]);
    let followed = |follows| SubscriberFilter { follows, ..everyone.clone() };
    assert_eq!(find(&followed(Followed::Everything), NEWEST, 10).await, [6, 4, 2]);
    let one = Followed::Component(ComponentId::from_random(1));
    assert_eq!(find(&followed(one.clone()), NEWEST, 2).await, [5, 3]);
    assert_eq!(find(&followed(one.clone()), SubscriberId(3), 2).await, [1]);
    let all = SubscriberFilter { text: "person1".into(), state: Some(SubscriberState::Active), follows: one };
    assert_eq!(find(&all, NEWEST, 10).await, [1]);
}

async fn subscribers_come_with_all_they_follow(store: Store) {
    let mut people = with_people(&store).await;
    people.reverse();
    let ids: Vec<_> = people.iter().map(|person| person.id).collect();
    assert_eq!(store.subscribers(&ids).await.unwrap(), people);
    assert_eq!(store.subscribers(&[SubscriberId(404), SubscriberId(5)]).await.unwrap(), [people[1].clone()]);
    assert_eq!(store.subscribers(&[]).await.unwrap(), []);
}

async fn what_someone_was_sent_is_listed_newest_first_and_page_by_page(store: Store) {
    let now = at(0);
    let company = Company::new(&store, now).await;
    company.subscribe("reader", 1, Follows::everything(), now).await;
    let broadcast = company.post(Investigating, now).await;
    let node = server::store::nodes::Node { id: "a".into(), epoch: 1 };
    let mut write = store.write().await.unwrap();
    let person = write.subscriber(SubscriberId(1)).await.unwrap().unwrap();
    let recipients = store.audience_batch(&broadcast.audience, 1, 9, 9, now).await.unwrap();
    write.expand(&node, &broadcast, &recipients, broadcast.cursor.walk_ended(), now).await.unwrap();
    // Two letters of one instant, a minute later.
    let later = now + SignedDuration::from_mins(1);
    for number in [1, 2] {
        let letter = NewLetter {
            id: DeliveryId::from_random(number),
            kind: "manage_link",
            lane: Lane::Account,
            to: person.email.clone(),
            subscriber: Some(person.id),
            message: Letter { subject: String::new(), text: String::new(), html: String::new() },
            dedupe_key: None,
            expires_at: later + SignedDuration::from_hours(2),
        };
        assert!(write.insert_letter(&letter, later).await.unwrap());
    }
    write.commit().await.unwrap();
    let page = async |before: (Timestamp, &str)| store.sent_to(person.id, before, 2).await.unwrap();
    let first = page((Timestamp::MAX, "")).await;
    let kinds = |page: &[SentMessage]| page.iter().map(|sent| sent.kind.clone()).collect::<Vec<_>>();
    assert_eq!(kinds(&first), ["manage_link", "manage_link"]);
    assert!(first[0].id > first[1].id && first[0].incident.is_none());
    let second = page((first[1].created_at, first[1].id.as_str())).await;
    assert_eq!(kinds(&second), ["update"]);
    let (incident, name) = second[0].incident.clone().unwrap();
    assert_eq!((incident, name.is_empty(), second[0].state), (broadcast.incident, false, DeliveryState::Leased));
    assert_eq!(page((second[0].created_at, second[0].id.as_str())).await, []);
    assert_eq!(store.sent_to(SubscriberId(404), (Timestamp::MAX, ""), 9).await.unwrap(), []);
}
