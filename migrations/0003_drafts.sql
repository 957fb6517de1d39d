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
