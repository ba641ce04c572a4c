#!/bin/sh
# For scripts that ask what a pacman that was killed, or a power cut, has left.
# shellcheck disable=SC2034
database=/var/lib/pacman log=/var/log/pacman.log
lock=$database/db.lck incomplete=$database/incomplete

# The process that has the package database: libalpm keeps its lock file open. Only root sees it.
holder() { find /proc/[0-9]*/fd -lname "$lock" 2> /dev/null | head -n 1 | cut -d/ -f3; }

# The name of the package whose entry is $1, a directory NAME-VERSION-RELEASE.
package_name() {
  name=$(basename "$1")
  echo "${name%-*-*}"
}

# Packages of the transaction whose lock nobody holds any more: pacman's hooks, such as those that
# make the boot image, run after the last package, and only those of a new transaction run again.
without_hooks() {
  [ -e "$lock" ] && [ "$(id -u)" -eq 0 ] && [ -z "$(holder)" ] || return 0
  began=$(grep -n '\[ALPM\] transaction started$' "$log" 2> /dev/null | tail -n 1)
  when=${began#*\[}
  when=$(date -d "${when%%\]*}" +%s 2> /dev/null) || return 0
  [ "$when" -ge "$(stat -c %Y "$lock")" ] || return 0
  tail -n "+${began%%:*}" "$log" |
    sed -nE 's/^[^ ]* \[ALPM\] (re)?(installed|upgraded|downgraded) ([^ ]+) \(.*/\3/p'
}
