#!/bin/sh
# Run pacman with $@, after whoever else is at work on the package database; as root.
#
# libalpm keeps its lock file open as long as it has the lock. One that nobody has open was left by
# a power cut, or by a pacman that was killed. So was a package without its description, which is
# written last: it counts as installed, though some of its files may be missing, and these are in
# the way when it is installed again.
set -u
lock=/var/lib/pacman/db.lck

holder() { find /proc/[0-9]*/fd -lname "$lock" 2> /dev/null | head -n 1 | cut -d/ -f3; }

while pid=$(holder) && [ -n "$pid" ]; do
  echo "waiting for $(cat "/proc/$pid/comm" 2> /dev/null), which is at work on the packages"
  sleep 5
done
if [ -e "$lock" ]; then
  echo "removing $lock, which nobody holds any more"
  rm "$lock"
fi
for package in /var/lib/pacman/local/*/; do
  if [ -d "$package" ] && [ ! -e "$package/desc" ]; then
    echo "installing $(basename "$package") again, which was cut off"
    rm -r "$package"
    set -- "$@" --overwrite '*'
  fi
done
exec pacman "$@"
