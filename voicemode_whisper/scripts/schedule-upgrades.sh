#!/bin/sh
# Have the timer that runs the project $3 with the virtual environment $4, both below $1, and its units in
# $2; other versions of both are removed. The files follow, with their texts: PATH TEXT...
set -eu
upgrade=$1 units=$2 project=$3 venv=$4
shift 4
XDG_RUNTIME_DIR="/run/user/$(id -u)"
export XDG_RUNTIME_DIR
# The settings may have a password in a URL.
umask 077
mkdir -p "$units"

while [ $# -gt 0 ]; do
  printf %s "$2" > "$1.new"
  mv -fT "$1.new" "$1"
  shift 2
done
systemctl --user daemon-reload
systemctl --user -q enable voicemode-whisper-upgrade.timer
systemctl --user restart voicemode-whisper-upgrade.timer

for version in "$upgrade"/project-* "$upgrade"/venv-*; do
  case ${version##*/} in "$project" | "$venv") ;; *) rm -rf "$version" ;; esac
done
