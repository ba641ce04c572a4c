#!/bin/sh
# Download $1 to $2 and keep it only if its SHA-256 is $3; say every five seconds how far it is.
#
# The partial file is named after the sum, so that what was left of another model is never resumed.
set -u
url=$1 path=$2 sha256=$3
prefix="$(dirname "$path")/.$(basename "$path")"
part="$prefix.$(echo "$sha256" | cut -c1-12).part"

sum_of() { sha256sum < "$1" | cut -d' ' -f1; }
matches() { [ -f "$part" ] && [ "$(sum_of "$part")" = "$sha256" ]; }
megabytes() { echo $(($(stat -c %s "$part" 2> /dev/null || echo 0) / 1000000)); }

# Download or resume once. The status is curl's.
download() {
  curl -fsSL -C - --connect-timeout 15 --speed-limit 1024 --speed-time 60 -o "$part" "$url" &
  pid=$!
  ticks=0
  while kill -0 "$pid" 2> /dev/null; do
    sleep 0.2
    ticks=$((ticks + 1))
    [ $((ticks % 25)) -eq 0 ] && echo "$(basename "$path"): $(megabytes) MB"
  done
  wait "$pid"
}

fetch() {
  try=1
  until download; do
    code=$?
    # 22 is an HTTP error: trying again would not help.
    if [ "$try" -ge 5 ] || [ "$code" -eq 22 ]; then
      echo "model: cannot download $url (curl exit status $code)" >&2
      exit 1
    fi
    try=$((try + 1))
    sleep 2
  done
}

if ! matches; then
  [ -s "$part" ] && resumed=1 || resumed=0
  fetch
  # What was left of an earlier run may have been damaged.
  if [ "$resumed" -eq 1 ] && ! matches; then
    rm -f "$part"
    fetch
  fi
fi
if ! matches; then
  echo "model: $url does not match its SHA-256 (got $(sum_of "$part"), expected $sha256);" \
    "it was deleted, and the model that serves is as it was" >&2
  rm -f "$part"
  exit 1
fi
mv -f "$part" "$path"
rm -f "$prefix".*.part
