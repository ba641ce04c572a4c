#!/bin/sh
# Print the state of the user's unit $1 as NAME=VALUE lines: properties, as systemctl shows them, and
# for its process `program`, the file that it runs, and the SERVICE_REVISION of its environment.
set -u
# shellcheck source=voicemode_whisper/scripts/being-started.sh
. ./being-started.sh
XDG_RUNTIME_DIR="/run/user/$(id -u)"
export XDG_RUNTIME_DIR

# The program of the process $1, once it is started.
program_of() {
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    found=$(readlink "/proc/$1/exe")
    is_being_started "$found" || break
    sleep 0.1
  done
  echo "$found"
}

systemctl --user show \
  -p ActiveState,UnitFileState,NeedDaemonReload,InvocationID,MainPID,Listen,StatusText "$1" 2> /dev/null
pid=$(systemctl --user show -p MainPID --value "$1" 2> /dev/null)
if [ "${pid:-0}" -gt 0 ]; then
  echo "program=$(program_of "$pid")"
  tr '\0' '\n' < "/proc/$pid/environ" | grep '^SERVICE_REVISION='
fi
true
