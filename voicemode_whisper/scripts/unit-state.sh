#!/bin/sh
# Print the state of the user's unit $1 as NAME=VALUE lines: properties, as systemctl shows them, and
# for its process `program`, the file that it runs, and the SERVICE_REVISION of its environment.
set -u
XDG_RUNTIME_DIR="/run/user/$(id -u)"
export XDG_RUNTIME_DIR

systemctl --user show \
  -p ActiveState,UnitFileState,NeedDaemonReload,InvocationID,MainPID,Listen "$1" 2> /dev/null
pid=$(systemctl --user show -p MainPID --value "$1" 2> /dev/null)
if [ "${pid:-0}" -gt 0 ]; then
  echo "program=$(readlink "/proc/$pid/exe")"
  tr '\0' '\n' < "/proc/$pid/environ" | grep '^SERVICE_REVISION='
fi
true
