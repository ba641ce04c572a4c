#!/bin/sh
# Run a command and say every few seconds since when, and how far it is: its last line. If it
# fails, show its end; otherwise the lines that begin with PROGRESS_NOTE, which it is given.
#
# PROGRESS_INTERVAL are the seconds between two such lines, PROGRESS_MARK is what they begin with.
set -u
every=${PROGRESS_INTERVAL:-5} mark=${PROGRESS_MARK-}
cr=$(printf '\r')
export PROGRESS_NOTE='~note~ '
# A file without a name: nothing is left of it, however this ends.
log=$(mktemp)
exec 3> "$log"
rm "$log"
log=/proc/$$/fd/3

# Lines as a terminal would show them: without what a carriage return writes over.
lines() { LC_ALL=C sed "s/$cr*\$//; s/.*$cr//"; }
# Printable ASCII alone: a character cut in half is no UTF-8, which pyinfra cannot read.
short() { LC_ALL=C tr -cd '[:print:]' | cut -c 1-90; }
unmarked() { sed "s/^$PROGRESS_NOTE//"; }
last() { tail -c 4096 "$log" | lines | unmarked | grep '[^ ]' | tail -n 1 | short; }

command=$(printf '%s' "$*" | short)
"$@" > "$log" 2>&1 < /dev/null &
pid=$!
ticks=0
while kill -0 "$pid" 2> /dev/null; do
  sleep 0.2
  ticks=$((ticks + 1))
  [ $((ticks % (every * 5))) -eq 0 ] || continue
  line=$(last)
  echo "$mark($((ticks / 5)) s) ${line:-$command}"
done
wait "$pid"
status=$?
if [ "$status" -eq 0 ]; then
  lines < "$log" | sed -n "s/^$PROGRESS_NOTE//p"
else
  lines < "$log" | unmarked | tail -n 30 >&2
fi
exit "$status"
