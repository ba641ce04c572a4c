#!/bin/sh
# Print what core/generations.py reads of a setup below $1, with its units in $2, that has no generations:
# one made by hand, or by an earlier layout. What runs is asked of its processes. Nothing is printed
# where nothing is set up, or where there are generations.
# shellcheck source=voicemode_whisper/scripts/free-name.sh
. ./free-name.sh
services=$1 units=$2
XDG_RUNTIME_DIR="/run/user/$(id -u)"
export XDG_RUNTIME_DIR
cd "$services" 2> /dev/null || exit 0
[ ! -L current ] && [ -e "$units/voicemode-whisper.service" ] || exit 0
# One that was being adopted has generation 1 alone, whose manifest says so.
[ ! -e generations/2 ] || exit 0
[ ! -e generations/1/manifest.json ] || grep -q '"adopted"' generations/1/manifest.json || exit 0

# What the known path $1 leads to, as a path below services/. What was made by hand has the name that
# it will be kept under; builds of the earlier layout are in builds/ by then.
part() {
  [ -e "$1" ] || return 0
  directory=$(dirname "$1")/
  target=$(readlink "$1" | grep -E '^(build|whisper-proxy|whisper-proxy-venv)(-(.+-)?[0-9a-f]{12}|\.by-hand)$')
  case $target in
    '') free_name "$1" ;;
    build-*) echo "${directory}builds/${target#build-}" ;;
    *) echo "${directory#./}$target" ;;
  esac
}
pid() { systemctl --user show -p MainPID --value "$1"; }
argument() { tr '\0' '\n' < "/proc/$server/cmdline" 2> /dev/null | sed -n "/^\($1\|$2\)\$/{n;p;q}"; }
# ss shows a socket that takes IPv4 and IPv6 as *:PORT.
listens() { ss -Hltnp | grep "pid=$1," | head -n 1 | tr -s ' ' | cut -d' ' -f4 | sed 's/^\*:/[::]:/'; }
revision() { tr '\0' '\n' < "/proc/$1/environ" 2> /dev/null | sed -n 's/^SERVICE_REVISION=//p'; }
below() {
  path=$(realpath -eq "$1") || return 0
  case $path in "$(realpath .)"/*) realpath --relative-to=. "$path" ;; esac
}

server=$(pid voicemode-whisper.service) proxy=$(pid voicemode-whisper-proxy.service)
[ -e "$units/voicemode-whisper-proxy.socket" ] && socket=yes || socket=no
echo "build=$(part whisper.cpp/build)"
echo "proxy=$(part whisper-proxy)"
echo "venv=$(part whisper-proxy-venv)"
echo "model=$(below "$(argument -m --model)")"
echo "server=$(listens "$server")"
echo "listen=$(listens "$proxy")"
echo "socket=$socket"
echo "server_revision=$(revision "$server")"
echo "proxy_revision=$(revision "$proxy")"
