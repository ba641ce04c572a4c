#!/bin/sh
# Print those of the packages $@ that nothing installed provides, and each package that was not
# installed to its end: it lacks its description, which pacman writes last, and counts as installed
# all the same, until pacman.sh sets its entry aside; or the hooks of its transaction were cut off.
set -u

# shellcheck source=voicemode_whisper/scripts/cut-off-packages.sh
. ./cut-off-packages.sh

pacman -T "$@"
status=$?
# 127 is for packages that are missing.
[ "$status" -eq 0 ] || [ "$status" -eq 127 ] || exit "$status"
for entry in "$database"/local/*-*-*/ "$incomplete"/*-*-*/; do
  if [ -d "$entry" ] && [ ! -e "$entry/desc" ]; then
    package_name "$entry"
  fi
done
for name in "$incomplete"/*.again; do
  [ ! -e "$name" ] || basename "$name" .again
done
without_hooks
