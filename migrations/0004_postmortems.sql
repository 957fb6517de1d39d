-- The document about an incident that is over. preview numbers the link for reviewers that is good, 0 when there is none.
-- update_id is the update of status 'postmortem' that carries it, so it is published exactly when it has one.
create table postmortems (
    incident_id text primary key references incidents (id),
    author text not null,
    body text not null,
    started_at bigint not null,
    detected_at bigint not null,
    mitigated_at bigint,
    resolved_at bigint not null,
    version bigint not null,
    preview bigint not null,
    created_at bigint not null,
    updated_at bigint not null,
    update_id text references incident_updates (id),
    published_at bigint,
    edited_at bigint,
    check ((update_id is null) = (published_at is null)),
    constraint postmortems_update_id unique (update_id)
);

-- due is a date, YYYY-MM-DD.
create table follow_ups (
    id text primary key,
    incident_id text not null references postmortems (incident_id) on delete cascade,
    position bigint not null,
    text text not null,
    link text not null,
    due text,
    done_at bigint
);
create index follow_ups_incident_id on follow_ups (incident_id, position);
