#!/bin/sh
# Print what core/upgrades.py reads of the timer that upgrades this machine, and of its last run, of which
# upgrade-ended.sh has left a note in $1.
XDG_RUNTIME_DIR="/run/user/$(id -u)"
export XDG_RUNTIME_DIR LC_ALL=C.UTF-8
timer=voicemode-whisper-upgrade.timer
value() { systemctl --user show -p "$1" --value "$timer" 2> /dev/null; }

echo "active=$(value ActiveState)"
echo "enabled=$(value UnitFileState)"
echo "next=$(value NextElapseUSecRealtime)"
cat "$1/last" 2> /dev/null || true
