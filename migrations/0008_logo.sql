-- The owner's picture at the top of every page: at most one. hash is of the file; content is base64, because the two
-- databases bind bytes in different ways.
create table logos (
    hash text primary key,
    media_type text not null check (media_type in ('image/png', 'image/jpeg', 'image/webp')),
    width bigint not null,
    height bigint not null,
    content text not null,
    created_at bigint not null
);
