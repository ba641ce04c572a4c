#!/bin/sh
# Wait until each of the user's units $1, $3... runs as it was last told to and answers at the URL
# that follows it; say every five seconds for which. Give up on one that keeps dying, or after three
# minutes.
set -u
XDG_RUNTIME_DIR="/run/user/$(id -u)"
export XDG_RUNTIME_DIR

value() { systemctl --user show -p "$1" --value "$unit"; }
# A restart that has not been done yet is a job; till then it is the old process that answers.
runs() { [ -z "$(value Job)" ] && [ "$(value ActiveState)" = active ]; }
answers() { curl -fsS -o /dev/null --max-time 5 "$url" 2> /dev/null; }

# The count of restarts begins anew when a restart that was asked for is done.
keeps_dying() {
  restarts=$(value NRestarts)
  [ "$restarts" -ge "$first" ] || first=$restarts
  [ $((restarts - first)) -ge 5 ]
}
has_ended() {
  case $(value Job)$(value ActiveState) in failed | inactive) return 0 ;; *) return 1 ;; esac
}

# Whose processes listen is shown for one's own alone.
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

while [ $# -gt 0 ]; do
  unit=$1 url=$2 tries=0
  shift 2
  first=$(value NRestarts)
  until runs && answers; do
    tries=$((tries + 1))
    if keeps_dying || has_ended || [ "$tries" -ge 900 ]; then give_up; fi
    [ $((tries % 25)) -ne 0 ] || echo "waiting for $unit"
    sleep 0.2
  done
done
