#!/bin/sh
# Note beside $1 that its SHA-256 is $2, for as long as size, mtime and inode stay the same; $3 is
# `downloaded` where the deploy has put the file there, and may remove it.
set -eu
origin=${3:-$(cut -s -d' ' -f5 "$1.sha256" 2> /dev/null || true)}
echo "$2 $(stat -c '%s %Y %i' "$1")${origin:+ $origin}" > "$1.sha256"
