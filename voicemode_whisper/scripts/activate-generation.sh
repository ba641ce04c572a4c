#!/bin/sh
# Let the generation $3 below $1 serve, with its units in $2, and restart what is named after them:
# server, socket, proxy, wyoming; server-if-running is one that a request may have started since it was idle.
#
# The one step that counts is the rename of `current`. Whatever is cut off before or after it, the
# services can start and understand each other: units that change are links into `current` while it
# is moved, so that all of them change with it, at once.
set -eu
# shellcheck source=voicemode_whisper/scripts/free-name.sh
. ./free-name.sh
# shellcheck source=voicemode_whisper/scripts/unit-files.sh
. ./unit-files.sh
services=$1 units=$2 number=$3
shift 3
XDG_RUNTIME_DIR="/run/user/$(id -u)"
export XDG_RUNTIME_DIR
server=voicemode-whisper.service proxy=voicemode-whisper-proxy.service
socket=voicemode-whisper-proxy.socket wyoming=voicemode-whisper-wyoming.service
names="$server $proxy $socket $wyoming"
cd "$services"
before=$(realpath -qe current) || true

# Have the link $1 -> $2. What somebody else put there is kept as $1.by-hand, by an exchange where the
# file system can do it: it is never missing.
link() {
  [ "$(readlink "$1")" != "$2" ] || return 0
  if readlink "$1" | grep -qE '^(build|whisper-proxy|whisper-proxy-venv)(-(.+-)?[0-9a-f]{12}|\.by-hand)$'; then
    ln -sfn "$2" "$1.new"
    mv -fT "$1.new" "$1"
    return
  elif [ -e "$1" ] || [ -L "$1" ]; then
    kept=$(free_name "$1" "$2")
    ln -sfn "$2" "$kept"
    mv -T --exchange "$kept" "$1" 2> /dev/null && return
    rm "$kept"
    mv -T "$1" "$kept"
  fi
  ln -s "$2" "$1"
}

link_known_paths() {
  link whisper.cpp/build ../current/build
  link whisper-proxy current/proxy
  link whisper-proxy-venv current/venv
}

switch() {
  [ "$(readlink current)" != "generations/$number" ] || return 0
  ln -sfn "generations/$number" current.new
  mv -fT current.new current
}

units_differ() {
  for unit in $names; do
    ! unit_differs "generations/$number/units/$unit" "$units/$unit" || return 0
  done
  return 1
}

# Units that the generation has not: as links they could not be disabled any more. What needs one until
# then starts it.
disable_removed_units() {
  for unit in $names; do
    if [ ! -e "generations/$number/units/$unit" ] && [ -e "$units/$unit" ] && [ ! -L "$units/$unit" ]; then
      systemctl --user -q disable "$unit"
    fi
  done
}

# One that comes with the generation is a link to nothing until `current` leads there.
link_units() {
  for unit in $names; do
    [ -e "$units/$unit" ] || [ -e "generations/$number/units/$unit" ] || continue
    ln -sfn "$services/current/units/$unit" "$units/$unit.new"
    mv -fT "$units/$unit.new" "$units/$unit"
  done
}

copy_units() {
  for unit in $names; do
    if [ -e "current/units/$unit" ]; then
      cp "current/units/$unit" "$units/$unit.new"
      mv -fT "$units/$unit.new" "$units/$unit"
    elif [ -e "$units/$unit" ] || [ -L "$units/$unit" ]; then
      # 5: it is not loaded, as nothing has started it (systemctl(1)).
      systemctl --user stop "$unit" || [ $? -eq 5 ]
      rm "$units/$unit"
    fi
  done
}

switch_units() {
  mkdir -p "$units"
  disable_removed_units
  # Where nothing served there is nothing to keep.
  [ -z "$before" ] || link_units
  switch
  copy_units
}

enable_units() {
  systemctl --user daemon-reload
  for unit in $names; do
    [ ! -e "$units/$unit" ] || systemctl --user -q enable "$unit"
  done
}

# A proxy from before whisper-server had a secret path would not find the new one: it finishes first what
# it has. Meanwhile the socket keeps who comes.
finish_earlier_proxy() {
  if [ -e "generations/$number/request-path" ] && [ ! -e "$before/request-path" ] \
    && systemctl --user -q is-active "$socket"; then
    systemctl --user stop "$proxy"
  fi
}

restart() {
  case $1 in
    # Done before the proxy is told: systemd would stop the proxy first, with all that it has to answer.
    # Whether the server runs then is for verify to say.
    server) systemctl --user restart "$server" || true ;;
    server-if-running) systemctl --user try-restart "$server" || true ;;
    proxy) systemctl --user --no-block restart "$proxy" ;;
    # Done before verify asks it: the old one answers until it has ended.
    wyoming) systemctl --user restart "$wyoming" || true ;;
    # It has another address. The proxy finishes the requests that it has first.
    socket) systemctl --user stop "$proxy" "$socket" && systemctl --user --no-block start "$socket" ;;
  esac
}

link_known_paths
if units_differ; then switch_units; else switch; fi
enable_units
finish_earlier_proxy
for service; do
  restart "$service"
done
