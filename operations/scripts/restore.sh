#!/bin/sh
# Put the setup $3 below $1 back into place, with its units in $2, and run it. The server comes
# first: the proxy waits for it with the requests that it has.
set -eu
services=$1 units=$2 name=$3
cd "$services/$name"
XDG_RUNTIME_DIR="/run/user/$(id -u)"
export XDG_RUNTIME_DIR
server=voicemode-whisper.service proxy=voicemode-whisper-proxy.service
socket=voicemode-whisper-proxy.socket

# Make the link $2 what the link $1 of the setup is. What was made by hand is still in its place
# where a run was cut off before it was set aside.
relink() {
  if [ -e "$2" ] && [ ! -L "$2" ]; then
    return
  elif [ -L "$1" ]; then
    ln -sfn "$(readlink "$1")" "$2.new"
    mv -fT "$2.new" "$2"
  else
    rm -f "$2"
  fi
}

relink build ../whisper.cpp/build
relink whisper-proxy ../whisper-proxy
relink whisper-proxy-venv ../whisper-proxy-venv

listens=$(cmp -s "$socket" "$units/$socket" && echo same || echo other)
for unit in "$server" "$proxy" "$socket"; do
  if [ -e "$unit" ]; then
    cp -p "$unit" "$units/$unit.new"
    mv -f "$units/$unit.new" "$units/$unit"
  elif [ -e "$units/$unit" ]; then
    systemctl --user -q disable "$unit"
    rm "$units/$unit"
  fi
done
systemctl --user daemon-reload
for unit in "$server" "$proxy" "$socket"; do
  [ ! -e "$unit" ] || systemctl --user -q enable "$unit"
done

systemctl --user --no-block restart "$server"
if [ "$listens" = other ]; then
  systemctl --user -q stop "$proxy" "$socket" 2> /dev/null || true
  [ ! -e "$socket" ] || systemctl --user --no-block start "$socket"
fi
systemctl --user --no-block restart "$proxy"
ln -sfn "$name" ../confirmed.new
mv -fT ../confirmed.new ../confirmed
