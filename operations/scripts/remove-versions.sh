#!/bin/sh
# Remove the versions $2... below $1, and the links to them; what was kept by hand is back in place.
set -eu
cd "$1"
shift

for link in confirmed whisper-proxy whisper-proxy-venv whisper.cpp/build; do
  [ ! -L "$link" ] || rm "$link"
  [ ! -e "$link.by-hand" ] || mv -T "$link.by-hand" "$link"
done
rm -rf "$@"
