#!/bin/sh
# Have the timer that runs the project $3 with the virtual environment $4, both below $1, and its units in
# $2; other versions of both are removed. The units follow, with their texts: NAME TEXT... On standard
# input come, as they may have passwords, the command of $1/notify, a line that may be empty, and then
# $1/inventory.py.
set -eu
upgrade=$1 units=$2 project=$3 venv=$4
shift 4
XDG_RUNTIME_DIR="/run/user/$(id -u)"
export XDG_RUNTIME_DIR
umask 077
mkdir -p "$units"

# Have the file $1 hold what comes on standard input.
put() {
  cat > "$1.new"
  mv -fT "$1.new" "$1"
}
IFS= read -r notify
printf %s "$notify" | put "$upgrade/notify"
put "$upgrade/inventory.py"
while [ $# -gt 0 ]; do
  printf %s "$2" | put "$units/$1"
  shift 2
done
systemctl --user daemon-reload
systemctl --user -q enable voicemode-whisper-upgrade.timer
systemctl --user restart voicemode-whisper-upgrade.timer

for version in "$upgrade"/project-* "$upgrade"/venv-*; do
  case ${version##*/} in "$project" | "$venv") ;; *) rm -rf "$version" ;; esac
done
