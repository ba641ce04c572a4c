#!/bin/sh
# Remove $2... below $1, which nothing needs any more, and say how much that frees.
set -eu
cd "$1"
shift

megabytes=$(du -scm "$@" 2> /dev/null | tail -n 1 | cut -f1)
for name; do
  rm -rf "$name" "$name.sha256"
done
echo "$megabytes MB freed"
