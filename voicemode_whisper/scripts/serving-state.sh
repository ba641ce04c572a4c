#!/bin/sh
# Print what core/serving.py reads of what serves below $1: `changed build FILE` and `changed proxy FILE`
# for files that are not as they were installed; `asked`, if the user's service manager can be asked what it would start at a boot, and
# `starts UNIT` for each of ours; `busy WHO` where a run of the deploy is at work.
set -u
cd "$1/current" 2> /dev/null || exit 0

changed() {
  [ ! -e "$1/SHA256SUMS" ] || (cd "$1" && LC_ALL=C sha256sum -c --quiet SHA256SUMS 2> /dev/null) |
    sed -n "s/^\(.*\): FAILED.*/changed $1 \1/p"
}
changed build
changed proxy

# A manager that says what it would start, and starts nothing. It reads what is on the disk, with an empty
# directory in the place of /run, which is empty after a boot.
run=$(mktemp -d -p "/run/user/$(id -u)" 2> /dev/null || mktemp -d) || exit 0
trap 'rm -rf "$run"' EXIT
env -i HOME="$HOME" PATH="$PATH" XDG_RUNTIME_DIR="$run" LC_ALL=C \
  timeout 10 /usr/lib/systemd/systemd --user --test --log-target=console 2>&1 |
  sed -n -e 's/^Loaded units and determined.*$/asked/p' -e 's/^Falling back to .*$/asked/p' \
    -e 's/^\t*Action: \(voicemode-whisper.*\) -> start$/starts \1/p' | sort -u

[ ! -e "$1/lock" ] || flock -n -s "$1/lock" true || echo "busy $(tail -n 1 "$1/lock")"
