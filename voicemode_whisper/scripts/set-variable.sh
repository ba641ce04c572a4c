#!/bin/sh
# In the file $1, have the one line $2=$3, where the first $2= stood or at the end; touch no other.
set -eu
path="$(realpath -m "$1")" KEY=$2 VALUE=$3
export KEY VALUE
new="$path.new"

mkdir -p "$(dirname "$path")"
[ -e "$path" ] || touch "$path"
cp -p "$path" "$new"
awk '
  index($0, ENVIRON["KEY"] "=") != 1 { print; next }
  !done++ { print ENVIRON["KEY"] "=" ENVIRON["VALUE"] }
  END { if (!done) print ENVIRON["KEY"] "=" ENVIRON["VALUE"] }
' "$path" > "$new"
mv -f "$new" "$path"
