#!/bin/sh
# Print what core/places.py reads of the places that a run writes to, for a user with the home $1,
# services in $2 and units in $3, and of the packages $4... that are missing. Fields have a tab between
# them:
#
# trouble KIND DETAIL PATH REAL: why nothing can be written to PATH, which leads to REAL, or run there;
# room BYTES INODES FREE-INODES MOUNT PATH: what is free there;
# late TYPE MOUNT: a file system with such a place that is not there yet when the machine has started;
# venv LINK: what serves; packages BYTES BYTES: to download and to install, where pacman
# knows it.
set -u
# Not C: findmnt would write letters beyond ASCII in hexadecimal digits.
export LC_ALL=C.UTF-8
home=$1 services=$2 units=$3
shift 3
uid=$(id -u)
checkout="$services/whisper.cpp"

trouble() { printf 'trouble\t%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$(realpath -m "$3")"; }
mount_of() { findmnt -no TARGET -T "$1" | tail -n 1; }
has_option() { findmnt -no OPTIONS -T "$1" | grep -qE "(^|,)$2(,|\$)"; }
has_attribute() { lsattr -d "$(realpath "$1")" 2> /dev/null | cut -d' ' -f1 | grep -q "$2"; }

# Say why $1, which is there, cannot be written to.
say_why() {
  if has_option "$1" ro; then
    trouble read-only "$(mount_of "$1")" "$1"
  elif has_attribute "$1" i; then
    trouble immutable '' "$1"
  elif [ "$1" = "$home" ] && [ -e "$home/.ecryptfs" ]; then
    trouble locked '' "$1"
  elif [ "$(stat -Lc %u "$1")" != "$uid" ]; then
    trouble foreign "$(stat -Lc %U "$1")" "$1"
  else
    trouble closed "$(stat -Lc %a "$1")" "$1"
  fi
}

# Look at the directory $1, in which the run makes something; where $2... are there, it does not.
check() {
  directory=$1
  shift
  if [ -L "$directory" ] && [ ! -e "$directory" ]; then
    trouble dangling "$(readlink "$directory")" "$directory"
  elif [ -e "$directory" ] && [ ! -d "$directory" ]; then
    trouble file '' "$directory"
  elif [ -d "$directory" ] && ! { [ -x "$directory" ] && { [ -w "$directory" ] || are_there "$@"; }; }; then
    say_why "$directory"
  fi
}
are_there() {
  [ $# -gt 0 ] || return 1
  for name; do [ -e "$name" ] || return 1; done
}

# Links in a generation lead to its neighbours, so these have to be where they seem to be.
check_neighbour() { [ ! -L "$1" ] || trouble moved "$(readlink "$1")" "$1"; }

# The first thing below services/ that a run writes to and may not: a directory of whatever kind, what
# git writes in its place, a download that is to be resumed.
check_below() {
  # With a slash, as it may be a link.
  find "$services/" -mindepth 1 \( -type d -o -path "$checkout/.git/*" ! -path "$checkout/.git/objects/*" \
    -o -path "$services/lock" -o -path "$checkout/models/.*.part" \) ! -type l ! -writable \
    -print -quit 2> /dev/null
}

# The directory that is there of $1, or is the nearest above it.
nearest() {
  near=$1
  while [ ! -d "$near" ]; do near=$(dirname "$near"); done
  echo "$near"
}

# Programs are built there, and run.
check_exec() {
  near=$(nearest "$1")
  ! has_option "$near" noexec || trouble noexec "$(mount_of "$near")" "$near"
}

# Try it, before the first run: a key that is not there, a quota or a server may forbid it too.
check_making() {
  [ ! -e "$services/lock" ] || return 0
  near=$(nearest "$services")
  if said=$(mkdir "$near/.voicemode-$$" 2>&1); then
    rmdir "$near/.voicemode-$$"
  else
    trouble refused "${said##*: }" "$near"
  fi
}

check_all() {
  [ -e "$home" ] || [ -L "$home" ] || trouble missing '' "$home"
  check "$home" "$home/.voicemode" "$home/.config"
  check "$home/.voicemode"
  check "$services"
  check_exec "$services"
  check_neighbour "$services/generations"
  check_neighbour "$checkout"
  check "$home/.config" "$home/.config/systemd"
  check "$home/.config/systemd" "$units"
  check "$units"
  check "$units/default.target.wants"
  check "$units/sockets.target.wants"
  check /tmp
  check /var/tmp
  # The services themselves have been looked at.
  if [ -d "$services" ] && [ -w "$services" ] && below=$(check_below) && [ -n "$below" ]; then
    say_why "$below"
  fi
}

room() {
  df -B1 --output=avail,itotal,iavail,target "$(nearest "$1")" | tail -n 1 |
    while read -r free inodes free_inodes mount; do
      printf 'room\t%s\t%s\t%s\t%s\t%s\n' "$free" "$inodes" "$free_inodes" "$mount" "$1"
    done
}

# A property of the unit $2; systemd has one for each mount.
property() { systemctl show -p "$1" --value "$2" 2> /dev/null; }
# Whether the file system at $1 is there when a user's service manager may be started at boot: it was
# this time, or systemd or an automounter mounts it then or when somebody looks. Where a ticket is
# needed, that is not enough.
is_early() {
  [ "$1" != / ] || return 0
  ! has_option "$1" 'sec=krb5[ip]?' || return 1
  began=$(property ActiveEnterTimestampMonotonic systemd-user-sessions.service)
  mounted=$(property ActiveEnterTimestampMonotonic "$1")
  [ "${began:-0}" -gt 0 ] && [ "${mounted:-0}" -gt "$began" ] || return 0
  [ -z "$(property TriggeredBy "$1")" ] || return 0
  if [ -n "$(property FragmentPath "$1")" ]; then
    [ -z "$(property WantedBy "$1")$(property RequiredBy "$1")" ] || return 0
  fi
  { findmnt -no FSTYPE "$1" && findmnt -no FSTYPE -T "$(dirname "$1")"; } | grep -qx autofs
}
say_late() {
  for place in "$home" "$services" "$units"; do
    mount_of "$(nearest "$place")"
  done | sort -u | while read -r mount; do
    is_early "$mount" || printf 'late\t%s\t%s\n' "$(findmnt -no FSTYPE "$mount" | tail -n 1)" "$mount"
  done
  if has_attribute "$home" E; then printf 'late\tfscrypt\t%s\n' "$home"; fi
}

# What pacman would download and install for $@, by the list of packages that is there.
sizes() {
  listed=$(pacman -Sp --needed --print-format '%s %n' "$@" 2> /dev/null | grep -E '^[0-9]+ [^ ]+$') || return 0
  echo "$listed" | cut -d' ' -f2 | xargs pacman -Si 2> /dev/null | awk -v listed="$listed" '
    BEGIN {
      count = split(listed, words)
      for (i = 1; i < count; i += 2) download += words[i]
      size["B"] = 1; size["KiB"] = 1024; size["MiB"] = 1024 ^ 2; size["GiB"] = 1024 ^ 3
    }
    /^Name / { is_new = !seen[$3]++ }
    /^Installed Size / && is_new { installed += $4 * size[$5] }
    END { printf "packages\t%.0f\t%.0f\n", download, installed }
  '
}

# grep shows what there is, and whether there is any.
check_all | grep . || check_making
room "$services"
room "$(pacman-conf CacheDir 2> /dev/null | head -n 1 | grep . || echo /var/cache/pacman/pkg)"
room /
say_late
! link=$(readlink "$services/current/venv") || printf 'venv\t%s\n' "$link"
[ $# -gt 0 ] || exit 0
names=$(pacman -T "$@" 2> /dev/null)
[ -n "$names" ] || exit 0
! has_option /usr ro || trouble read-only "$(mount_of /usr)" /usr
# shellcheck disable=SC2086
printf 'missing\t%s\n' $names
# shellcheck disable=SC2086
sizes $names
