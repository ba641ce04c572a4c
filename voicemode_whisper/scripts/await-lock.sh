#!/bin/sh
# Wait until the run $2 holds the lock file $1 (see hold-lock.sh); say who else does if it does not get it.
set -u
tries=0

# Whether the lock file $1 is held for the run $2.
is_held() {
  holder=''
  { read -r holder < "$1"; } 2> /dev/null
  [ "$holder" = "$2" ]
}
until is_held "$1" "$2"; do
  tries=$((tries + 1))
  if [ "$tries" -ge 160 ]; then
    echo "another run is at work on this host: $(tail -n 1 "$1" 2> /dev/null); wait for it to end" >&2
    exit 1
  fi
  sleep 0.05
done
