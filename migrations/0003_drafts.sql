-- What is not published yet, and what no longer is.

-- What a published update said before it was edited or removed; the highest version was replaced last.
create table update_versions (
    update_id text not null references incident_updates (id),
    version bigint not null,
    body text not null,
    author text not null,
    replaced_at bigint not null,
    primary key (update_id, version)
);

-- What somebody is typing; subject is an incident's id, or new. Once it was published or thrown away, fields is empty and
-- form_key says which form may not come back.
create table drafts (
    user_id text not null references users (id) on delete cascade,
    subject text not null,
    form_key text not null,
    fields text not null,
    saved_at bigint not null,
    primary key (user_id, subject)
);
create index drafts_saved_at on drafts (saved_at);

-- Prepared words; components is JSON.
create table templates (
    id text primary key,
    name text not null,
    title text not null,
    status text check (status in ('investigating', 'identified', 'monitoring', 'resolved')),
    body text not null,
    components text not null,
    created_at bigint not null,
    updated_at bigint not null,
    constraint templates_name unique (name)
);

-- Letters to those who never subscribed are looked up by their address.
create index deliveries_address on deliveries (address) where subscriber_id is null;
