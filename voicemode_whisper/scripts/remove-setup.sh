#!/bin/sh
# Remove the versions $2... below $1, and the links that lead to them; what was kept by hand is back in
# place.
set -eu
cd "$1"
shift

# Whether the link $1 is the deploy's: it leads into the generations, or to a version of the earlier layout.
is_ours() {
  readlink "$1" | grep -qE '^(\.\./)?(current/.+|generations/[0-9]+)$|^[a-z-]+-(.+-)?[0-9a-f]{12}$|\.by-hand$'
}

for link in whisper-proxy whisper-proxy-venv whisper.cpp/build current confirmed; do
  if is_ours "$link"; then rm "$link"; fi
  if [ -e "$link" ] || [ -L "$link" ]; then continue; fi
  if [ -e "$link.by-hand" ] || [ -L "$link.by-hand" ]; then mv -T "$link.by-hand" "$link"; fi
done
rm -rf "$@" generations
rmdir whisper.cpp/builds 2> /dev/null || true
rm -f lock
