#!/bin/sh
# Have the text $2 in the file $1, all of it or none.
set -eu
printf %s "$2" > "$1.new"
sync "$1.new"
mv -f "$1.new" "$1"
