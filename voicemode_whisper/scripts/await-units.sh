#!/bin/sh
# Wait until each of the user's units $1, $3... runs as it was last told to and answers at the URL
# that follows it; say every few seconds for which. Give up on one that keeps dying, or has not
# answered within three minutes.
#
# AWAIT_SECONDS are those three minutes.
set -u
limit=${AWAIT_SECONDS:-180}
XDG_RUNTIME_DIR="/run/user/$(id -u)"
export XDG_RUNTIME_DIR

value() { systemctl --user show -p "$1" --value "$unit"; }
# Seconds since the machine was started: the time of day may be set meanwhile.
clock() { cut -d. -f1 /proc/uptime; }

# A restart that has not been done yet is a job; till then it is the old process that answers.
runs() { [ -z "$(value Job)" ] && [ "$(value ActiveState)" = active ]; }
answers() {
  curl -q --noproxy '*' -fsS -o /dev/null --max-time 5 "$url" 2> /dev/null
  status=$?
  # 28 is for a try that took all of its five seconds.
  [ "$status" -ne 28 ] || timeouts=$((timeouts + 1))
  return "$status"
}

# The count of restarts begins anew when a restart that was asked for is done.
keeps_dying() {
  restarts=$(value NRestarts)
  [ "$restarts" -ge "$first" ] || first=$restarts
  [ $((restarts - first)) -ge 5 ]
}
has_ended() {
  case $(value Job)$(value ActiveState) in failed | inactive) return 0 ;; *) return 1 ;; esac
}
# By the clock, and by what the tries take at the least: a fifth of a second, or five seconds more.
is_late() {
  [ $(($(clock) - start)) -ge "$limit" ] || [ $((tries + timeouts * 25)) -ge $((limit * 5)) ]
}

# Whose processes listen is only shown of one's own.
port_is_taken() {
  listeners=$(ss -Hltnp "sport = :$port")
  [ -n "$listeners" ] && ! echo "$listeners" | grep -q "pid=$(value MainPID),"
}

give_up() {
  journalctl --user -q --no-pager -o cat -n 15 -u "$unit" -u "${unit%.service}.socket" >&2
  port=${url%/*}
  port=${port##*:}
  why="its last words are above"
  if port_is_taken; then why="port $port is taken by another program"; fi
  echo "$unit does not answer at $url: $why" >&2
  exit 1
}

say() {
  now=$(clock)
  [ $((now - said)) -ge 5 ] || return 0
  echo "waiting for $unit"
  said=$now
}

while [ $# -gt 0 ]; do
  unit=$1 url=$2 tries=0 timeouts=0 start=$(clock)
  shift 2
  said=$start
  first=$(value NRestarts)
  until runs && answers; do
    tries=$((tries + 1))
    if keeps_dying || has_ended || is_late; then give_up; fi
    say
    sleep 0.2
  done
done
