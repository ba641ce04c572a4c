#!/bin/sh
# Hold the lock file $1 for the run $2 of $3, as long as somebody reads what is printed: writing to a
# connection that is gone ends this.
set -u
mkdir -p "$(dirname "$1")"
exec 9>> "$1"
# One whose run has just ended, or was killed, is free within half a second.
flock -w 4 9 || exit 1
printf '%s\n%s, since %s\n' "$2" "$3" "$(date '+%Y-%m-%d %H:%M:%S')" > "$1"
while echo; do
  sleep 0.5 9>&-
done
