#!/bin/sh
# Print the SHA-256 of the file $1, and meanwhile every few seconds how much of it is read.
#
# PROGRESS_INTERVAL are the seconds between two such lines, PROGRESS_MARK is what they begin with.
set -u
every=${PROGRESS_INTERVAL:-5} mark=${PROGRESS_MARK-}
name=$(basename "$1")
total=$(($(stat -c %s "$1") / 1000000))
exec 3>&1

sha256sum < "$1" &
pid=$!
ticks=0
while kill -0 "$pid" 2> /dev/null; do
  sleep 0.2
  ticks=$((ticks + 1))
  [ $((ticks % (every * 5))) -eq 0 ] || continue
  read=$(sed -n 's/^pos:[[:space:]]*//p' "/proc/$pid/fdinfo/0" 2> /dev/null)
  [ -z "$read" ] || echo "$mark$name: read $((read / 1000000))/$total MB" >&3
done
wait "$pid"
