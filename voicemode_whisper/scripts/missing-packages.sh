#!/bin/sh
# Print those of the packages $@ that nothing installed provides, and each package that was not
# installed to its end: it lacks its description, which pacman writes last, and counts as installed
# all the same, until pacman.sh sets its entry aside.
set -u

pacman -T "$@"
status=$?
# 127 is for packages that are missing.
[ "$status" -eq 0 ] || [ "$status" -eq 127 ] || exit "$status"
for entry in /var/lib/pacman/local/*-*-*/ /var/lib/pacman/incomplete/*-*-*/; do
  if [ -d "$entry" ] && [ ! -e "$entry/desc" ]; then
    name=$(basename "$entry")
    echo "${name%-*-*}"
  fi
done
