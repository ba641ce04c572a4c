#!/bin/sh
# Print df's line on the file system that $1 is or will be on, in bytes.
set -u
path=$1

while [ ! -d "$path" ]; do
  path=$(dirname "$path")
done
df -PB1 "$path" | tail -n 1
