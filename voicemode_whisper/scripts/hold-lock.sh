#!/bin/sh
# Hold the lock file $1 for the run $2 of $3, as long as somebody reads what is printed: writing to a
# connection that is gone ends this. Then remove $4, where it is given: of no use to another run.
set -u
mkdir -p "${1%/*}"
exec 9>> "$1"
# One whose run has just ended, or was killed, is free within half a second.
flock -w 5 9 || exit 1
printf '%s\n%s, since %s\n' "$2" "$3" "$(date '+%Y-%m-%d %H:%M:%S')" > "$1"
# Whatever ends the run, the reader is gone then.
[ $# -lt 4 ] || trap '' HUP INT PIPE TERM
while echo 2> /dev/null; do
  sleep 0.5 9>&-
done
[ $# -lt 4 ] || rm -rf "$4"
