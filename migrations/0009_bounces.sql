-- What mail services reported after they had taken a mail, each report once: id is a hash of how the service names it.
-- delivery_id and broadcast_id are what it was about, as far as that is known.
create table bounces (
    id text primary key,
    kind text not null check (kind in ('bounce', 'complaint')),
    verdict text not null check (verdict in ('noted', 'about_us', 'suppressed', 'left')),
    delivery_id text,
    broadcast_id text,
    diagnostic text not null,
    reported_at bigint not null,
    received_at bigint not null
);
create index bounces_delivery_id on bounces (delivery_id);
create index bounces_received_at on bounces (received_at, verdict, broadcast_id);
