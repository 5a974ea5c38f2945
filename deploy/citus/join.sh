#!/bin/sh
# Makes one cluster of the coordinator and its workers; may be run again. Nodes log in at each other with PGPASSWORD,
# which docker-compose.yml sets for all of them.
set -eu
ask() { psql -v ON_ERROR_STOP=1 -qtA -h "$1" -U "$POSTGRES_USER" -d "$POSTGRES_DB" -c "$2"; }

for host in citus-coordinator citus-worker-1 citus-worker-2; do
    ask "$host" "CREATE EXTENSION IF NOT EXISTS citus"
done
ask citus-coordinator "SELECT citus_set_coordinator_host('citus-coordinator', 5432)"
for host in citus-worker-1 citus-worker-2; do
    ask citus-coordinator "SELECT citus_add_node('$host', 5432)"
done
