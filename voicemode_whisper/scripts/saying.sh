#!/bin/sh
# To be read by others: a command that takes long, and says how far it is.
#
# PROGRESS_INTERVAL are the seconds between two lines, PROGRESS_MARK is what they begin with. They go to
# what is standard output here, also where that of the command is read by another.
exec 3>&1

# Run $2... and print every few seconds what $1 prints, which may ask for the process $pid and for $ticks,
# fifths of a second. The status is that of $2...
saying() {
  say=$1
  shift
  "$@" 3>&- &
  pid=$!
  ticks=0
  while kill -0 "$pid" 2> /dev/null; do
    sleep 0.2
    ticks=$((ticks + 1))
    [ $((ticks % (${PROGRESS_INTERVAL:-5} * 5))) -eq 0 ] || continue
    line=$($say)
    [ -z "$line" ] || echo "${PROGRESS_MARK-}$line" >&3
  done
  wait "$pid"
}
