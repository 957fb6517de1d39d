-- What was sent over a transport, or booked to be, in buckets of five minutes: what a quota is reckoned from. share is what
-- it was for: all (alerts), account, bulk.
create table mail_usage (
    transport text not null,
    bucket bigint not null,
    share text not null check (share in ('all', 'account', 'bulk')),
    mails bigint not null,
    primary key (transport, bucket, share)
);

-- How fast each node mails broadcasts, by its own measure: mails, and the milliseconds in which they left.
create table mail_speeds (
    node text primary key,
    mails bigint not null,
    millis bigint not null,
    noted_at bigint not null
);

-- How a transport fares, for all nodes: see domain::health. settings: a keyed hash of the settings under which it does; under
-- others nothing is known. cap: after how many mails a connection is renewed.
create table transports (
    name text primary key,
    settings text not null,
    condition text not null check (condition in ('fine', 'throttled', 'putting_off', 'unreachable', 'quota', 'refused', 'broken')),
    reason text not null,
    since bigint not null,
    noted_at bigint not null,
    not_before bigint not null,
    failures bigint not null,
    pace bigint not null,
    cap bigint
);

-- What the owners should know about their mail. mailed_at is empty until a letter told them, several at once.
create table alerts (
    key text primary key,
    message text not null,
    raised_at bigint not null,
    mailed_at bigint
);
create index alerts_raised_at on alerts (raised_at);

-- How many mails an address got lately.
create index deliveries_lately on deliveries (lower(address), updated_at) where state in ('sent', 'uncertain');

-- Mailboxes that were full, and what they were to hear of then: an incident, or a letter.
create table full_mailboxes (
    email_canonical text not null,
    about text not null,
    found_at bigint not null,
    primary key (email_canonical, about)
);
