#!/bin/sh
# To be read by others: the name under which what was made by hand at a known path is kept.

# The first name for what is at $1 that is free, or that a run which was cut off has given to the link
# $1 -> $2 already.
free_name() {
  name=$1.by-hand count=0
  while [ -e "$name" ] || [ -L "$name" ]; do
    [ -z "${2-}" ] || [ "$(readlink "$name")" != "$2" ] || break
    count=$((count + 1)) name=$1.by-hand.~$count~
  done
  echo "$name"
}
