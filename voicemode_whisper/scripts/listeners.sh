#!/bin/sh
# Print who listens, for core/listeners.py: `socket ADDRESS:PORT` for every listening TCP socket, and
# below one at the ports $1... for each process that has it `process PID UID PROGRAM`, `user NAME` and
# `cgroup GROUP`; for one that systemd holds, `asked ADDRESS:PORT UNIT` for each socket unit that asked
# for that port. Needs root to see other users' processes.
set -u
# shellcheck source=voicemode_whisper/scripts/listening-pids.sh
. ./listening-pids.sh
own=$(id -u)

# Run $2... as the user $1, which only root may; others ask for themselves.
as_user() {
  user=$1
  shift
  [ "$own" -ne 0 ] || set -- setpriv --reuid "$user" --clear-groups "$@"
  "$@"
}

# What the service manager with the process id $1 of the user $2 says of its socket units.
socket_units() {
  if [ "$1" = 1 ]; then
    systemctl show -p Id,Listen '*.socket'
  else
    as_user "$2" env XDG_RUNTIME_DIR="/run/user/$2" systemctl --user show -p Id,Listen '*.socket'
  fi 2> /dev/null
}

describe() {
  uid=$(sed -n 's/^Uid:[[:space:]]*\([0-9]*\).*/\1/p' "/proc/$1/status" 2> /dev/null)
  { read -r program < "/proc/$1/comm"; } 2> /dev/null && [ -n "$uid" ] || return 0
  echo "process $1 $uid $program"
  echo "user $(id -nu "$uid" 2> /dev/null || echo "$uid")"
  echo "cgroup $(sed -n 's/^0:://p' "/proc/$1/cgroup")"
  [ "$program" != systemd ] || socket_units "$1" "$uid" | awk -v port=":$2" '
    /^Listen=.*\(Stream\)$/ { at[++count] = substr($1, 8) }
    /^Id=/ { id = substr($0, 4) }
    /^$/ { tell() }
    END { tell() }
    function tell(  i) {
      for (i = 1; i <= count; i++)
        if (substr(at[i], length(at[i]) - length(port) + 1) == port) print "asked", at[i], id
      count = 0; id = ""
    }'
}

ss -Hltnp | while read -r _ _ _ address _ processes; do
  echo "socket $address"
  port=${address##*:}
  case " $* " in *" $port "*) ;; *) continue ;; esac
  # The lowest first: systemd, which holds a socket for a service, has started that later.
  for pid in $(listening_pids "$processes" | tr ' ' '\n' | sort -n); do
    describe "$pid" "$port"
  done
done
