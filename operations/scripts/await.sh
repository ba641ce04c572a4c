#!/bin/sh
# Wait until $1 answers. Give up when the user's unit $2 keeps dying, or after three minutes.
set -u
url=$1 unit=$2
XDG_RUNTIME_DIR="/run/user/$(id -u)"
export XDG_RUNTIME_DIR

for _ in $(seq 900); do
  curl -fsS -o /dev/null --max-time 5 "$url" 2>/dev/null && exit 0
  systemctl --user -q is-failed "$unit" && break
  [ "$(systemctl --user show -p NRestarts --value "$unit")" -lt 5 ] || break
  sleep 0.2
done
echo "$unit: does not answer at $url; its last words:" >&2
journalctl --user -q --no-pager -o cat -n 15 -u "$unit" >&2
exit 1
