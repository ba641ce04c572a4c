#!/bin/sh
# Wait until the run $2 holds the lock file $1 (see hold-lock.sh); say who else does if it does not get it.
set -u
tries=0
until [ "$(head -n 1 "$1" 2> /dev/null)" = "$2" ]; do
  tries=$((tries + 1))
  if [ "$tries" -ge 300 ]; then
    echo "another run is at work on this host: $(tail -n 1 "$1" 2> /dev/null); wait for it to end" >&2
    exit 1
  fi
  sleep 0.02
done
