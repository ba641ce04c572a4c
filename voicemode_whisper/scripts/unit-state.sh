#!/bin/sh
# Print the state of each of the user's units $@: a line `unit UNIT`, and below it NAME=VALUE lines:
# properties, as systemctl shows them, and for its process `program`, the file that it runs, and the
# SERVICE_REVISION of its environment.
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

process() {
  echo "program=$(program_of "$1")"
  tr '\0' '\n' < "/proc/$1/environ" | grep '^SERVICE_REVISION='
}

# systemctl leaves a line between units.
systemctl --user show \
  -p ActiveState,UnitFileState,NeedDaemonReload,InvocationID,MainPID,Listen,StatusText "$@" 2> /dev/null | {
  for unit; do
    echo "unit $unit"
    while IFS= read -r line && [ -n "$line" ]; do
      echo "$line"
      case $line in MainPID=[1-9]*) process "${line#MainPID=}" ;; esac
    done
  done
  true
}
