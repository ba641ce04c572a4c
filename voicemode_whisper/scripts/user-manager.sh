#!/bin/sh
# Print what systemd says of the user's own service manager, for core/user_manager.py: NAME=VALUE lines;
# `drop-in UNIT PATH` for each file that changes the unit $2..., with the settings in it below, and
# `unit UNIT PATH` for each that hides the one in $1.
set -u
uid=$(id -u) units=$1
shift
XDG_RUNTIME_DIR="/run/user/$uid"
export XDG_RUNTIME_DIR
# These are of the shell, and not of the manager.
unset XDG_CONFIG_HOME XDG_DATA_HOME

echo "Version=$(systemctl --version | sed -n '1s/^systemd \([0-9]*\).*/\1/p')"
# It fails for a user who neither lingers nor is logged in, too.
loginctl show-user -p Linger "$uid" 2> /dev/null || ! loginctl list-users > /dev/null 2>&1 || echo Linger=no
systemctl show -p LoadState,ActiveState,Result "user@$uid.service"
state=$(systemctl --user is-system-running 2> /dev/null)
echo "Manager=$state"
[ "$state" != degraded ] ||
  systemctl --user list-units --state=failed --plain --no-legend | sed 's/^\([^ ]*\).*/Failed=\1/'

# Names of the directories with drop-ins for the unit $1: for one of x-y.service those of x-.service
# and service too.
drop_in_names() {
  kind=${1##*.} name=${1%.*}
  echo "$1.d"
  while [ "$name" != "${name%-*}" ]; do
    name=${name%-*}
    echo "$name-.$kind.d"
  done
  echo "$kind.d"
}
settings() {
  sed -e ':a' -e '/\\$/{N;s/\\\n[[:space:]]*/ /;ba' -e '}' "$1" |
    sed -n 's/^[[:space:]]*\([A-Za-z]*\)[[:space:]]*=[[:space:]]*\(.*\)/setting \1=\2/p'
}

paths=$(systemd-analyze --user unit-paths 2> /dev/null)
for unit; do
  names=$(drop_in_names "$unit") above=yes
  while read -r directory; do
    [ "$directory" != "$units" ] || above=no
    [ $above = no ] || [ ! -e "$directory/$unit" ] || echo "unit $unit $directory/$unit"
    for name in $names; do
      for file in "$directory/$name"/*.conf; do
        [ ! -f "$file" ] || { echo "drop-in $unit $file" && settings "$file"; }
      done
    done
  done << END
$paths
END
done
