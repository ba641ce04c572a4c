#!/bin/sh
# Put the file $1 together anew, all of it or nothing, from $3...: A-B are its bytes from A up to B, =TEXT
# is new. Its SHA-256 is still $2, or it is not there yet where that is empty. Nobody else can read what
# is written at any time, and mode, owner, ACL and attributes are those of the file that was there.
set -eu
path=$1 sha256=$2 new="$1.voicemode-whisper"
shift 2
mkdir -p "$(dirname "$path")"
umask 077
trap 'rm -f "$new"' EXIT
trap 'exit 1' HUP INT TERM

rm -f "$new"
for piece; do
  case $piece in
    =*) printf %s "${piece#=}" ;;
    *) head -c "${piece#*-}" "$path" | tail -c "+$((${piece%-*} + 1))" ;;
  esac
done > "$new"
found=''
if [ -e "$path" ]; then
  cp --attributes-only --preserve=all "$path" "$new"
  touch "$new"
  found=$(sha256sum < "$path" | cut -d' ' -f1)
fi
if [ "$found" != "$sha256" ]; then
  echo "$path was changed by somebody else just now; run again" >&2
  exit 1
fi
sync "$new"
mv -fT "$new" "$path"
