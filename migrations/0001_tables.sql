-- One text for SQLite and PostgreSQL. Times are unix milliseconds, booleans 0 or 1, ids text, hashes hex.
-- Unique constraints are named table_column: PostgreSQL reports the name, SQLite the column.

-- Grows with every public change; page caches compare it.
create table page_version (
    id bigint primary key check (id = 1),
    version bigint not null,
    changed_at bigint not null
);
insert into page_version (id, version, changed_at) values (1, 1, 0);

-- Numbers handed out in commit order: the row stays locked until the transaction that took one ends.
create table counters (
    name text primary key,
    value bigint not null
);
insert into counters (name, value) values ('subscribers', 0), ('audit', 0);

create table settings (
    name text primary key,
    value text not null,
    updated_at bigint not null
);

create table component_groups (
    id text primary key,
    name text not null,
    description text not null default '',
    position bigint not null,
    created_at bigint not null,
    updated_at bigint not null
);

create table components (
    id text primary key,
    group_id text references component_groups (id) on delete set null,
    name text not null,
    description text not null,
    status text not null check (status in ('operational', 'under_maintenance', 'degraded_performance', 'partial_outage', 'major_outage')),
    position bigint not null,
    showcase bigint not null default 1 check (showcase in (0, 1)),
    start_date text,
    only_show_if_degraded bigint not null default 0 check (only_show_if_degraded in (0, 1)),
    created_at bigint not null,
    updated_at bigint not null,
    deleted_at bigint
);

-- status, impact and the three times are derived from the updates in the transaction that changes them.
create table incidents (
    id text primary key,
    name text not null,
    status text not null check (status in ('investigating', 'identified', 'monitoring', 'resolved', 'postmortem')),
    impact text not null check (impact in ('none', 'minor', 'major', 'critical')),
    impact_override text check (impact_override in ('none', 'minor', 'major', 'critical')),
    started_at bigint not null,
    monitoring_at bigint,
    resolved_at bigint,
    created_at bigint not null,
    updated_at bigint not null
);
create index incidents_started_at on incidents (started_at);
create index incidents_open on incidents (started_at) where resolved_at is null;

-- dedupe_key comes from the form: sending it twice publishes once.
create table incident_updates (
    id text primary key,
    incident_id text not null references incidents (id),
    status text not null check (status in ('investigating', 'identified', 'monitoring', 'resolved', 'postmortem')),
    body text not null,
    display_at bigint not null,
    created_at bigint not null,
    updated_at bigint not null,
    notify bigint not null check (notify in (0, 1)),
    next_update_by bigint,
    edited_at bigint,
    removed_at bigint,
    author text,
    dedupe_key text,
    constraint incident_updates_dedupe_key unique (dedupe_key)
);
create index incident_updates_incident_id on incident_updates (incident_id, display_at);
create index incident_updates_display_at on incident_updates (display_at);

create table update_components (
    update_id text not null references incident_updates (id),
    component_id text not null references components (id),
    name text not null,
    old_status text not null,
    new_status text not null,
    primary key (update_id, component_id)
);
create index update_components_component_id on update_components (component_id);

-- confirmed_at: when a link that was mailed to their address was followed.
create table users (
    id text primary key,
    email text not null,
    password_hash text,
    created_at bigint not null,
    updated_at bigint not null,
    confirmed_at bigint,
    constraint users_email unique (email)
);

create table sign_in_links (
    hash text primary key,
    user_id text not null references users (id) on delete cascade,
    purpose text not null check (purpose in ('password', 'address')),
    expires_at bigint not null
);

create table sessions (
    id text primary key,
    user_id text references users (id) on delete cascade,
    data text not null,
    expires_at bigint not null
);
create index sessions_expires_at on sessions (expires_at);

-- How often something was tried in a window of time: sign-ins, sign-ups.
create table attempts (
    kind text not null,
    subject text not null,
    window_start bigint not null,
    tries bigint not null,
    primary key (kind, subject, window_start)
);

-- Each row carries the hash of the one before: what was once written cannot be changed unnoticed.
create table audit (
    seq bigint primary key,
    at bigint not null,
    actor text not null,
    action text not null,
    subject text not null,
    detail text not null,
    address text not null,
    hash text not null
);
create index audit_action on audit (action);

-- locale and time_zone (an IANA name; the page's own without one) are how they are written to. owed_since: when they asked
-- for a letter that a surge of sign-ups puts off; owed_turn: the how many-th of their network's they were that day.
create table subscribers (
    id bigint primary key,
    email text not null,
    email_canonical text not null,
    state text not null check (state in ('pending', 'active', 'unsubscribed')),
    everything bigint not null check (everything in (0, 1)),
    generation bigint not null,
    consent text not null,
    created_at bigint not null,
    updated_at bigint not null,
    confirmation_sent_at bigint,
    confirmed_at bigint,
    unsubscribed_at bigint,
    locale text not null default 'en' check (locale in ('en', 'de', 'fr', 'es')),
    time_zone text,
    owed_since bigint,
    owed_turn bigint not null default 0,
    constraint subscribers_email_canonical unique (email_canonical)
);
-- Who never followed the link is found without touching those who were not sent it yet.
create index subscribers_state on subscribers (state, owed_since, updated_at);
-- Who is told of everything is counted and walked without touching the others.
create index subscribers_everything on subscribers (state, everything, id, locale);
-- Whoever searches reads this and nothing else.
create index subscribers_found on subscribers (id, email_canonical, state, everything);
create index subscribers_owed on subscribers (owed_turn, owed_since, id) where owed_since is not null;

create table subscriber_components (
    component_id text not null references components (id),
    subscriber_id bigint not null references subscribers (id) on delete cascade,
    primary key (component_id, subscriber_id)
);
create index subscriber_components_subscriber_id on subscriber_components (subscriber_id);

create table subscriber_incidents (
    incident_id text not null references incidents (id),
    subscriber_id bigint not null references subscribers (id) on delete cascade,
    primary key (incident_id, subscriber_id)
);
create index subscriber_incidents_subscriber_id on subscriber_incidents (subscriber_id);

-- What was asked for in the name of someone who is active already, until they follow the link. follows is JSON.
create table subscriber_wishes (
    subscriber_id bigint primary key references subscribers (id) on delete cascade,
    follows text not null,
    created_at bigint not null
);

-- Addresses that must not be written to, whatever they subscribed to.
create table suppressions (
    email_canonical text primary key,
    reason text not null,
    created_at bigint not null,
    expires_at bigint
);

-- audience is JSON. The cursor (next_id, until_id, wrap_until) moves by compare-and-swap on version. carried: how many were
-- taken over at publish from the broadcast whose place it took; wherever the cursor finds them, they have a delivery already.
create table broadcasts (
    id text primary key,
    kind text not null,
    incident_id text not null references incidents (id),
    update_id text not null references incident_updates (id),
    lane text not null check (lane in ('alert', 'account', 'incident', 'digest')),
    audience text not null,
    state text not null check (state in ('queued', 'sending', 'paused', 'done', 'cancelled', 'superseded', 'expired')),
    reason text not null,
    total bigint not null,
    expanded bigint not null,
    carried bigint not null,
    sent bigint not null,
    failed bigint not null,
    skipped bigint not null,
    expired bigint not null,
    uncertain bigint not null,
    next_id bigint not null,
    until_id bigint not null,
    wrap_until bigint not null,
    version bigint not null,
    created_at bigint not null,
    counted_at bigint,
    started_at bigint,
    finished_at bigint,
    expires_at bigint not null,
    constraint broadcasts_update_id unique (update_id, kind)
);
create index broadcasts_state on broadcasts (state, created_at);
create index broadcasts_incident_id on broadcasts (incident_id);
create index broadcasts_finished_at on broadcasts (finished_at);

-- One row per recipient once the cursor has reached them, kept unless their mail was sent at the first attempt, and one per
-- single letter (message is JSON then).
-- lane is a rank: smaller goes first. attempts counts those that counted against the recipient; uncertain: one of them may
-- have reached them.
create table deliveries (
    id text primary key,
    broadcast_id text references broadcasts (id),
    subscriber_id bigint,
    kind text not null,
    lane bigint not null,
    address text not null,
    message text,
    state text not null check (state in ('waiting', 'leased', 'sent', 'failed', 'skipped', 'expired', 'uncertain')),
    attempts bigint not null,
    uncertain bigint not null check (uncertain in (0, 1)),
    reason text not null,
    node text,
    epoch bigint,
    dedupe_key text,
    due_at bigint not null,
    expires_at bigint not null,
    created_at bigint not null,
    updated_at bigint not null,
    constraint deliveries_broadcast_id unique (broadcast_id, subscriber_id)
);
create unique index deliveries_dedupe_key on deliveries (dedupe_key) where dedupe_key is not null;
create index deliveries_due on deliveries (lane, due_at, id) where state = 'waiting';
create index deliveries_leased on deliveries (node, epoch) where state = 'leased';
create index deliveries_subscriber_id on deliveries (subscriber_id, created_at);

-- How many confirmations came back lately.
create index deliveries_confirmations on deliveries (updated_at) where kind = 'confirmation';

-- Finds the deliveries that had their outcome long ago, to remove them.
create index deliveries_over on deliveries (updated_at) where state in ('sent', 'failed', 'skipped', 'expired', 'uncertain');

-- Whom a broadcast's mail was sent to at the first attempt, and when. Narrow, because there may be a million of each.
create table sent (
    broadcast_id text not null references broadcasts (id),
    subscriber_id bigint not null,
    sent_at bigint not null,
    primary key (broadcast_id, subscriber_id)
);

create table nodes (
    id text primary key,
    epoch bigint not null,
    heartbeat_at bigint not null
);

-- GCRA: when the next mail would be due at an even pace, in unix microseconds, per transport and key (all, account, bulk).
create table mail_rates (
    transport text not null,
    name text not null,
    next_at bigint not null,
    primary key (transport, name)
);
