-- What was sent over a transport, or booked to be, in buckets of five minutes: what a quota is reckoned from. share is what
-- it was for: all (alerts), account, bulk.
create table mail_usage (
    transport text not null,
    bucket bigint not null,
    share text not null check (share in ('all', 'account', 'bulk')),
    mails bigint not null,
    primary key (transport, bucket, share)
);
