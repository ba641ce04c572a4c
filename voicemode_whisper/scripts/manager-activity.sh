#!/bin/sh
# Print what the user with the id $1 and their service manager are doing, for core/device_access.py:
# `session TYPE SEAT` for each session; `process CGROUP PROGRAM` for each process in the manager,
# with the control group below the manager's; `transient UNIT` for units that only the manager has.
set -u
uid=$1

for id in $(loginctl show-user -p Sessions --value "$uid" 2> /dev/null); do
  type=$(loginctl show-session -p Type --value "$id")
  echo "session $type $(loginctl show-session -p Seat --value "$id")"
done

cd "/sys/fs/cgroup/user.slice/user-$uid.slice/user@$uid.service" 2> /dev/null || exit 0
grep -rs --include=cgroup.procs . | while read -r line; do
  echo "process ${line%/cgroup.procs:*} $(cat "/proc/${line##*:}/comm")"
done

for unit in /run/user/"$uid"/systemd/transient/*; do
  [ ! -e "$unit" ] || echo "transient ${unit##*/}"
done
