#!/bin/sh
# Run a command and say every five seconds how far it is: its last line. If it fails, show its end.
set -u
log=$(mktemp)
trap 'rm -f "$log"' EXIT

"$@" > "$log" 2>&1 < /dev/null &
pid=$!
ticks=0
shown=
while kill -0 "$pid" 2> /dev/null; do
  sleep 0.2
  ticks=$((ticks + 1))
  [ $((ticks % 25)) -eq 0 ] || continue
  line=$(tail -n 1 "$log" | cut -c 1-90)
  [ "$line" = "$shown" ] && note=" ($((ticks / 5)) s)" || note=
  echo "$line$note"
  shown=$line
done
wait "$pid"
status=$?
[ "$status" -eq 0 ] || tail -n 30 "$log" >&2
exit "$status"
