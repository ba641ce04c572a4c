#!/bin/sh
# Run pacman with $@, after whoever else is at work on the package database; as root.
#
# libalpm keeps its lock file open as long as it has the lock. One that nobody has open was left by
# a power cut, or by a pacman that was killed. So was a package without its description, which is
# written last: it counts as installed, though some of its files may be missing, and these are in
# the way when it is installed again. Its entry is set aside until pacman has succeeded, so that a
# later run knows of it when this one fails.
set -u
database=/var/lib/pacman
lock=$database/db.lck incomplete=$database/incomplete

holder() { find /proc/[0-9]*/fd -lname "$lock" 2> /dev/null | head -n 1 | cut -d/ -f3; }
# The name of the package whose entry is $1, a directory NAME-VERSION-RELEASE.
package_name() {
  name=$(basename "$1")
  echo "${name%-*-*}"
}

while pid=$(holder) && [ -n "$pid" ]; do
  echo "waiting for $(cat "/proc/$pid/comm" 2> /dev/null), which is at work on the packages"
  sleep 5
done
if [ -e "$lock" ]; then
  echo "removing $lock, which nobody holds any more"
  rm "$lock"
fi
for entry in "$database"/local/*-*-*/; do
  if [ -d "$entry" ] && [ ! -e "$entry/desc" ]; then
    mkdir -p "$incomplete"
    rm -rf "${incomplete:?}/$(basename "$entry")"
    mv "$entry" "$incomplete/"
  fi
done

names=
for entry in "$incomplete"/*/; do
  [ -d "$entry" ] || continue
  name=$(package_name "$entry")
  echo "installing $name again, which was cut off"
  names="$names $name"
  case " $* " in *" $name "*) ;; *) set -- "$@" "$name" ;; esac
done
[ -z "$names" ] || set -- "$@" --overwrite '*'

pacman "$@"
status=$?
if [ "$status" -eq 0 ]; then
  rm -rf "$incomplete"
elif [ -n "$names" ]; then
  echo "cut off once, and still to be installed again:$names. One that no repository has is to be" \
    "installed by hand; remove $incomplete then" >&2
fi
exit "$status"
