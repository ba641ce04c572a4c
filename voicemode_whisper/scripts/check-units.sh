#!/bin/sh
# To be read by others: whether systemd would take units.

# Have systemd read the units in $1/units beside what it has of the user's; fail where it would refuse
# one. What it ignores of a unit, as an older systemd does with a new setting, is no failure, nor is a
# program that is not there yet: there is another in its place.
check_units() {
  mkdir "$1/check"
  for unit in "$1"/units/*.service "$1"/units/*.socket; do
    [ ! -e "$unit" ] || sed 's|^ExecStart=[^ ]*|ExecStart=/bin/true|' "$unit" > "$1/check/${unit##*/}"
  done
  said=$(cd "$1/check" && XDG_RUNTIME_DIR="/run/user/$(id -u)" \
    systemd-analyze --user verify --man=no ./* 2>&1) || refused "$said"
  rm -r "$1/check"
}
refused() {
  echo "systemd refuses the units: $(echo "$1" | grep -v 'ignoring' | head -n 1)" >&2
  exit 1
}
