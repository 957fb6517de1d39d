-- What programs act with, and what they were answered.

-- scopes are words with spaces between; hash is the token's. A key that is over stays, for the audit log names it.
create table api_keys (
    id text primary key,
    name text not null,
    hash text not null,
    scopes text not null,
    created_by text not null,
    created_at bigint not null,
    expires_at bigint not null,
    last_used_at bigint,
    revoked_at bigint,
    constraint api_keys_hash unique (hash)
);

-- Written by the transaction of the act a request asked for, so that sending it again does not act again. The answer
-- is filled in afterwards; whoever dies in between leaves it to the repetition, which knows what was acted on.
create table repetitions (
    key_id text not null references api_keys (id) on delete cascade,
    name text not null,
    request text not null,
    subject text not null,
    status bigint,
    answer text,
    created_at bigint not null,
    primary key (key_id, name)
);
create index repetitions_created_at on repetitions (created_at);
