-- What came from another status page. digest is of the record as it stood there: while it stays the same there is nothing
-- to do, whatever was changed here since. said is JSON: what that page's API says of an incident and its updates do not.
create table imports (
    kind text not null check (kind in ('page', 'group', 'component', 'incident')),
    id text not null,
    digest text not null,
    said text,
    imported_at bigint not null,
    primary key (kind, id)
);
