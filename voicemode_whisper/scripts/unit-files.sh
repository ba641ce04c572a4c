#!/bin/sh
# To be read by others: whether a unit is in place as a generation has it.

# Whether the unit file $2 is not as $1, or is there where $1 is not. A link is what an activation that
# was cut off left.
unit_differs() {
  [ ! -L "$2" ] || return 0
  if [ -e "$1" ]; then ! cmp -s "$1" "$2"; else [ -e "$2" ]; fi
}
