#!/bin/sh
# Run pacman with $@, after whoever else is at work on the package database; as root.
#
# A lock that nobody holds was left by a power cut, or by a pacman that was killed. So was a package
# without its description, which is written last: it counts as installed, though some of its files
# may be missing, and these are in the way when it is installed again. Its entry is set aside until
# pacman has succeeded, so that a later run knows of it when this one fails. Where pacman was killed
# in its hooks, the packages are noted there as NAME.again, and installed once more.
# PROGRESS_NOTE is what lines begin with that are shown though all went well.
set -u
note=${PROGRESS_NOTE-}
cache=/var/cache/pacman/pkg
# Seconds to wait for another pacman, which may itself wait for somebody's answer.
PATIENCE=600
said=$(mktemp)
exec 6> "$said"
rm "$said"
said=/proc/$$/fd/6
targets=
for word in "$@"; do
  case $word in -*) ;; *) targets="${targets:+$targets }$word" ;; esac
done

# shellcheck source=voicemode_whisper/scripts/cut-off-packages.sh
. ./cut-off-packages.sh
# shellcheck source=voicemode_whisper/scripts/pacman-error.sh
. ./pacman-error.sh

fail() {
  echo "packages: $*" >&2
  exit 1
}

wait_for_others() {
  began=$(date +%s)
  while pid=$(holder) && [ -n "$pid" ]; do
    who="$(cat "/proc/$pid/comm" 2> /dev/null) (process $pid)"
    [ $(($(date +%s) - began)) -lt "$PATIENCE" ] ||
      fail "$who has been at work on the packages for $((PATIENCE / 60)) minutes: does it wait for" \
        "an answer in another terminal? Finish or end it, and run again"
    echo "waiting for $who, which is at work on the packages"
    sleep 5
  done
}

# Clear away what a pacman that was killed has left.
remove_leftovers() {
  [ -e "$lock" ] || return 0
  for name in $(without_hooks); do
    mkdir -p "$incomplete"
    : > "$incomplete/$name.again"
  done
  echo "removing $lock, which nobody holds any more"
  rm -f "$lock"
  rm -rf "$cache"/download-??????
}

set_aside() {
  for entry in "$database"/local/*-*-*/; do
    if [ -d "$entry" ] && [ ! -e "$entry/desc" ]; then
      mkdir -p "$incomplete"
      rm -rf "${incomplete:?}/$(basename "$entry")"
      mv "$entry" "$incomplete/"
    fi
  done
}

# Run pacman, and show what it says as it says it.
attempt() {
  LC_ALL=C pacman "$@" > "$said" 2>&1 &
  pid=$!
  tail -n +1 -s 0.2 -f --pid="$pid" "$said" 2> /dev/null
  wait "$pid" || return
  ! says '^error: command failed to execute correctly' ||
    echo "${note}packages: they are installed, but a hook of pacman's failed: $(failed_hook); see to" \
      "that before the next boot"
}

# A file that is no database is newer than the mirror's, and would never be replaced.
remove_false_databases() {
  sed -nE "s/^error: $NO_DATABASE$/\\1/p" "$said" | while read -r file; do
    echo "removing $file, which is no database"
    rm -f "$file"
  done
}

# Whether to try again, once: pacman itself has deleted a package that was damaged.
worth_another_try() {
  [ -z "$again" ] || return 1
  again=1
  says "$NO_DATABASE|unable to lock database" || { says "$DAMAGED" && ! says "$UNTRUSTED"; }
}

wait_for_others
remove_leftovers
set_aside
names=
for entry in "$incomplete"/*/; do
  [ -d "$entry" ] || continue
  name=$(package_name "$entry")
  echo "installing $name again, which was cut off"
  names="$names $name"
  case " $* " in *" $name "*) ;; *) set -- "$@" "$name" ;; esac
done
[ -z "$names" ] || set -- "$@" --overwrite '*'

again=
until attempt "$@"; do
  reason=$(pacman_error)
  remove_false_databases
  if ! worth_another_try; then
    [ -z "$names" ] || echo "cut off once, and still to be installed again:$names. One that no" \
      "repository has is to be installed by hand; remove $incomplete then" >&2
    fail "$reason"
  fi
  wait_for_others
done
set --
for name in "$incomplete"/*.again; do
  [ ! -e "$name" ] || set -- "$@" "$(basename "$name" .again)"
done
if [ $# -gt 0 ]; then
  echo "installing $* again, whose hooks were cut off"
  attempt -S --noconfirm "$@" || fail "$(pacman_error)"
fi
rm -rf "$incomplete"
