# Starts a throw-away PostgreSQL: $1 the folder of its programs, $2 a folder to make, $3 the lock file that tests touch.
# It listens on a socket in its folder only, and loses everything with the machine's power: that is what makes it quick.

programs=$1 folder=$2 lock=$3

# PostgreSQL refuses to run as root; its package made a user for it.
as_postgres() {
    if [ "$(id -u)" -eq 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}

# Left over from a machine that was switched off, perhaps.
as_postgres "$programs/pg_ctl" -D "$folder/data" -m immediate stop >&2 || true
rm -rf "$folder"
as_postgres mkdir -m 700 "$folder"
as_postgres "$programs/initdb" -D "$folder/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync >&2
cat >>"$folder/data/postgresql.conf" <<END
listen_addresses = ''
port = 5432
unix_socket_directories = '$folder'
max_connections = 1000
shared_buffers = 64MB
fsync = off
synchronous_commit = off
full_page_writes = off
autovacuum = off
END
as_postgres "$programs/pg_ctl" -D "$folder/data" -l "$folder/server.log" -w start >&2 || { cat "$folder/server.log" >&2; exit 1; }

# The watchdog. It takes the lock, so that no test starts while it decides.
unused() { [ -z "$(find "$lock" -mmin -15)" ]; }
(
    while sleep 20; do
        exec 9>>"$lock"
        flock 9
        if unused; then
            as_postgres "$programs/pg_ctl" -D "$folder/data" -m immediate stop
            rm -rf "$folder"
            exit
        fi
        exec 9>&-
    done
) >/dev/null 2>&1 &
