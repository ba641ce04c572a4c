#!/bin/sh
# Run $2... when nothing that an earlier run began below the directory $1 is still at work there.
#
# Who kills pyinfra does not end what it runs on the host. The lock goes with the open file, which
# every process that is started here has, and ends with the last of them.
set -u
exec 9< "$1"
shift
until flock -w 5 9; do
  echo "waiting for what an earlier run began here"
done
exec "$@"
