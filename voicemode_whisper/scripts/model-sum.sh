#!/bin/sh
# Print the SHA-256 of the file $1, and meanwhile every few seconds how much of it is read.
set -u
# shellcheck source=voicemode_whisper/scripts/saying.sh
. ./saying.sh
file=$1
name=$(basename "$file")
total=$(($(stat -c %s "$file") / 1000000))

# A process of its own, whose place in the file is seen from outside.
sum() { exec sha256sum < "$file"; }
how_far() {
  read=$(sed -n 's/^pos:[[:space:]]*//p' "/proc/$pid/fdinfo/0" 2> /dev/null)
  [ -z "$read" ] || echo "$name: read $((read / 1000000))/$total MB"
}
saying how_far sum
