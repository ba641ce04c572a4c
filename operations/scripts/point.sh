#!/bin/sh
# Make $1 a link to its neighbour $2 by one rename. What is there and is no link to a version of the
# deploy's is kept as $1.by-hand.
set -eu
path=$1 target=$2
name=$(basename "$path")

if [ -e "$path" ] || [ -L "$path" ]; then
  readlink "$path" | grep -qE "^$name(-(.+-)?[0-9a-f]{12}|\.by-hand)$" ||
    mv -T --backup=numbered "$path" "$path.by-hand"
fi
ln -sfn "$target" "$path.new"
mv -fT "$path.new" "$path"
