-- People who are to stay forgotten: a keyed hash of the address, which nobody without the installation's secret can read.
create table erased_addresses (
    tag text primary key,
    erased_at bigint not null
);

-- A list on its way in: uploaded, looked through, confirmed, worked off chunk by chunk. The cursor (next_chunk) moves by
-- compare-and-swap. heading is its first line, counts and refused are JSON.
create table subscriber_lists (
    id text primary key,
    actor text not null,
    name text not null,
    consent text not null,
    state text not null check (state in ('uploading', 'checking', 'ready', 'importing', 'done')),
    heading text not null,
    lines bigint not null,
    chunks bigint not null,
    next_chunk bigint not null,
    counts text not null,
    refused text not null,
    created_at bigint not null,
    expires_at bigint not null
);
create index subscriber_lists_state on subscriber_lists (state, created_at);
create index subscriber_lists_expires_at on subscriber_lists (expires_at);

create table subscriber_list_chunks (
    list_id text not null references subscriber_lists (id) on delete cascade,
    position bigint not null,
    first_line bigint not null,
    content text not null,
    primary key (list_id, position)
);
