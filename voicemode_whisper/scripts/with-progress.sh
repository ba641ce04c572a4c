#!/bin/sh
# Run a command and say every few seconds since when, and how far it is: its last line. If it
# fails, show its end; otherwise the lines that begin with PROGRESS_NOTE, which it is given.
#
# shellcheck disable=SC2317 # what `saying` is given is called there
set -u
# shellcheck source=voicemode_whisper/scripts/saying.sh
. ./saying.sh
cr=$(printf '\r')
export PROGRESS_NOTE='~note~ '
# A file without a name: nothing is left of it, however this ends.
log=$(mktemp)
exec 4> "$log"
rm "$log"
log=/proc/$$/fd/4

# Lines as a terminal would show them: without what a carriage return writes over.
lines() { LC_ALL=C sed "s/$cr*\$//; s/.*$cr//"; }
# Printable ASCII alone: a character cut in half is no UTF-8, which pyinfra cannot read.
short() { LC_ALL=C tr -cd '[:print:]' | cut -c 1-90; }
unmarked() { sed "s/^$PROGRESS_NOTE//"; }
last() { tail -c 4096 "$log" | lines | unmarked | grep '[^ ]' | tail -n 1 | short; }

command=$(printf '%s' "$*" | short)
how_far() {
  text=$(last)
  echo "($((ticks / 5)) s) ${text:-$command}"
}
run() { exec "$@" > "$log" 2>&1 < /dev/null; }
saying how_far run "$@"
status=$?
if [ "$status" -eq 0 ]; then
  lines < "$log" | sed -n "s/^$PROGRESS_NOTE//p"
else
  lines < "$log" | unmarked | tail -n 30 >&2
fi
exit "$status"
