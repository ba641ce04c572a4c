#!/bin/sh
# Print what is to be known of the file $1, or of $2 where that alone is there, as KEY=VALUE lines
# (core/env_file.py). In its text, all but quotes, # and = is an x on each line that could hold a key of
# somebody's: what is left are lines with one of the words $3..., and those that begin with an address.
set -u
export LC_ALL=C
path=$1
[ -e "$1" ] || [ ! -e "$2" ] || path=$2
shift 2
shown="^[[:space:]]*[\"']?https?:"
for word; do shown="$shown|$word"; done
real=$(realpath -m -- "$path" 2> /dev/null) || real=$path
directory=${real%/*}
[ -n "$directory" ] || directory=/
yes_if() { if "$@"; then echo yes; else echo no; fi; }

echo "path=$path"
echo "real=$real"
echo "link=$(yes_if [ -L "$path" ])"
echo "leftover=$(yes_if [ -e "$real.voicemode-whisper" ])"
if [ ! -e "$directory" ]; then echo directory=missing; elif [ ! -w "$directory" ]; then echo directory=closed; fi
# A link that leads nowhere is no file yet; one that leads to itself is a link.
if [ ! -e "$real" ] && { [ "$real" != "$path" ] || [ ! -L "$path" ]; }; then exit 0; fi
stat -c 'kind=%F
size=%s
owner=%U' -- "$real"
attributes=''
! command -v lsattr > /dev/null ||
  attributes=$(lsattr -d -- "$real" "$directory" 2> /dev/null | cut -d' ' -f1 | tr -cd ia)
# Where there is no lsattr: whose mode forbids it is denied, what is immutable is not permitted.
if [ -f "$real" ]; then
  case $( (: >> "$real") 2>&1) in *'not permitted'*) attributes=i ;; esac
fi
echo "attributes=$attributes"
echo "readable=$(yes_if [ -r "$real" ])"
if [ -f "$real" ] && [ -r "$real" ] && [ "$(stat -c %s -- "$real")" -le 1048576 ]; then
  sum=$(sha256sum < "$real")
  echo "sha256=${sum%% *}"
  echo "text=$(sed -E "/$shown/!s/[!\$-&(-<>-~]/x/g" < "$real" | base64 -w0)"
fi
