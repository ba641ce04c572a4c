#!/bin/sh
# Let the setup $3 in $1 serve, with its units in $2, and restart what is named after them: balancer,
# socket, proxy. The one step that counts is the rename of `current`; a run that is cut off before or
# after it is finished by the next.
set -eu
# shellcheck source=voicemode_whisper/scripts/unit-files.sh
. ./unit-files.sh
pool=$1 units=$2 setup=$3
shift 3
XDG_RUNTIME_DIR="/run/user/$(id -u)"
export XDG_RUNTIME_DIR
balancer=voicemode-whisper-balancer.service proxy=voicemode-whisper-pool.service
socket=voicemode-whisper-pool.socket
cd "$pool"

switch() {
  touch "$setup"
  ln -sfn "$setup" current.new
  mv -fT current.new current
}
copy_units() {
  mkdir -p "$units"
  for unit in $balancer $proxy $socket; do
    unit_differs "current/units/$unit" "$units/$unit" || continue
    cp "current/units/$unit" "$units/$unit.new"
    mv -fT "$units/$unit.new" "$units/$unit"
  done
}
restart() {
  case $1 in
    # One that runs takes over its own sockets; who waits in its queue is answered by the old process.
    balancer) systemctl --user reload-or-restart "$balancer" || true ;;
    proxy) systemctl --user --no-block restart "$proxy" ;;
    # It has another address. The proxy finishes the requests that it has first.
    socket) systemctl --user stop "$proxy" "$socket" && systemctl --user --no-block start "$socket" ;;
  esac
}

[ "$(readlink current)" = "$setup" ] || switch
copy_units
systemctl --user daemon-reload
systemctl --user -q enable $balancer $proxy $socket
for service; do
  restart "$service"
done
