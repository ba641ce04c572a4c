#!/bin/sh
# Remove the line $2 from the file $1, and the file when nothing else is in it; a link stays.
set -eu
path="$(realpath "$1")"
new="$path.new"

cp -p "$path" "$new"
grep -vxF -e "$2" "$path" > "$new" || [ $? -eq 1 ]
if [ -s "$new" ] || [ -L "$1" ]; then mv -f "$new" "$path"; else rm "$new" "$path"; fi
