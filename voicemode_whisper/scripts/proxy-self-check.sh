#!/bin/sh
# Print what core/proxy_report.py reads of the proxy below $1, which runs: `report JSON`, as
# whisper_proxy.self_check tells it in the environment of its service, or `error LINE`; and of the disk
# that it names `disk BYTES TYPE MOUNT`, the bytes that are free.
set -u
XDG_RUNTIME_DIR="/run/user/$(id -u)"
export XDG_RUNTIME_DIR
cd "$1/current/proxy" 2> /dev/null || exit 0
pid=$(systemctl --user show -p MainPID --value voicemode-whisper-proxy.service 2> /dev/null)
[ "${pid:-0}" -gt 0 ] || exit 0

# The last words are systemd's for this one process. -B: nothing is left behind.
# shellcheck disable=SC2016
said=$(grep -zEv '^(LISTEN|NOTIFY|WATCHDOG)_' "/proc/$pid/environ" |
  xargs -0 sh -c 'python=$0 && exec env -i "$@" "$python" -B -m whisper_proxy.self_check' \
    "$1/current/venv/bin/python" 2>&1 |
  grep -v '^env: use' | tail -n 1)
case $said in
  '{'*) echo "report $said" ;;
  *) echo "error $said" ;;
esac
directory=$(printf '%s\n' "$said" | sed -n 's/.*"spool": "\([^"]*\)".*/\1/p')
[ -z "$directory" ] ||
  df -B1 --output=avail,fstype,target "$directory" 2> /dev/null | sed -n '2s/^ */disk /p' | tr -s ' '
