#!/bin/sh
# Print what the git server says at $1, NULs made spaces, or in a line why it says nothing. Standard
# input has options for curl: credentials.
set -u
url=$1
# Files without a name: nothing is left of them, however this ends.
body=$(mktemp) headers=$(mktemp) errors=$(mktemp)
exec 3> "$body" 4> "$headers" 5> "$errors"
rm "$body" "$headers" "$errors"
body=/proc/$$/fd/3 headers=/proc/$$/fd/4 errors=/proc/$$/fd/5

# shellcheck source=voicemode_whisper/scripts/curl-error.sh
. ./curl-error.sh

curl -q -fsSL --config - --retry 2 --connect-timeout 15 --max-time 60 \
  -D "$headers" -o "$body" "$url" 2> "$errors"
status=$?
if [ "$status" -eq 0 ] && ! is_page "$headers"; then
  tr '\0' ' ' < "$body"
else
  curl_error "$status" "$errors" "$headers"
fi
