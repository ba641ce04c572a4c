#!/bin/sh
# Note beside $1 that its SHA-256 is $2, for as long as size, mtime, inode and a sample of its blocks stay
# the same (see model-files.sh); $3 is `downloaded` where the deploy has put the file there, and may
# remove it.
set -eu
# shellcheck source=voicemode_whisper/scripts/sampled-sum.sh
. ./sampled-sum.sh
origin=${3:-$(grep -o 'downloaded$' "$1.sha256" 2> /dev/null || true)}
echo "$2 $(stat -c '%s %Y %i' "$1") $(sampled_sum "$1")${origin:+ $origin}" > "$1.sha256"
