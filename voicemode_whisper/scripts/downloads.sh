#!/bin/sh
# Print the paths of the stamps (see stamp.sh) and of the unfinished downloads in the directory $1.
set -u
cd "$1" 2> /dev/null || exit 0

grep -lsE '^[0-9a-f]{64} [0-9a-f ]+( downloaded)?$' "$PWD"/*.sha256
for part in "$PWD"/.*.part; do
  [ ! -e "$part" ] || echo "$part"
done
