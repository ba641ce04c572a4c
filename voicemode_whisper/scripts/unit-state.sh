#!/bin/sh
# Print the state of the user's unit $1 as NAME=VALUE lines: properties, as systemctl shows them, and
# for its process `program`, the file that it runs, and the SERVICE_REVISION of its environment.
set -u
XDG_RUNTIME_DIR="/run/user/$(id -u)"
export XDG_RUNTIME_DIR

# The program of the process $1; one that is just being started runs the manager's own for a moment.
program_of() {
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    found=$(readlink "/proc/$1/exe")
    case $found in */systemd/systemd | */systemd/systemd-executor) sleep 0.1 ;; *) break ;; esac
  done
  echo "$found"
}

systemctl --user show \
  -p ActiveState,UnitFileState,NeedDaemonReload,InvocationID,MainPID,Listen "$1" 2> /dev/null
pid=$(systemctl --user show -p MainPID --value "$1" 2> /dev/null)
if [ "${pid:-0}" -gt 0 ]; then
  echo "program=$(program_of "$pid")"
  tr '\0' '\n' < "/proc/$pid/environ" | grep '^SERVICE_REVISION='
fi
true
