#!/bin/sh
# Download $1 to $2 and keep it only if its SHA-256 is $3; say every few seconds how far it is.
#
# The partial file is named after the sum, so that what was left of another model is never resumed.
# PROGRESS_INTERVAL are the seconds between two lines that say how far, PROGRESS_MARK is what they
# begin with.
set -u
url=$1 path=$2 sha256=$3
every=${PROGRESS_INTERVAL:-5} mark=${PROGRESS_MARK-}
name=$(basename "$path")
prefix="$(dirname "$path")/.$name"
part="$prefix.$(echo "$sha256" | cut -c1-12).part"
exec 3>&1
# A file without a name: nothing is left of it, however this ends.
headers=$(mktemp)
exec 4> "$headers"
rm "$headers"
headers=/proc/$$/fd/4

# Run $2... and say meanwhile what $1 prints. The status is that of $2...
saying() {
  say=$1
  shift
  "$@" &
  pid=$!
  ticks=0
  while kill -0 "$pid" 2> /dev/null; do
    sleep 0.2
    ticks=$((ticks + 1))
    [ $((ticks % (every * 5))) -eq 0 ] && echo "$mark$name: $($say)" >&3
  done
  wait "$pid"
}

hash() { sha256sum < "$part"; }
checking() { echo "checking its SHA-256"; }
sum() { saying checking hash | cut -d' ' -f1; }
matches() { [ -f "$part" ] && [ "$(sum)" = "$sha256" ]; }

# The last header $1 that the server sent, in lower case; more than one came if it redirected.
header() { tr -d '\r' < "$headers" | tr '[:upper:]' '[:lower:]' | grep "^$1:" | tail -n 1; }

# Megabytes that are there, of how many if that is known. Of a resumed download the server says the
# whole size in Content-Range.
megabytes() {
  have=$(stat -c %s "$part" 2> /dev/null || echo 0)
  total=$(header content-range | cut -d/ -f2)
  total=${total:-$(header content-length | cut -d' ' -f2)}
  case $total in '' | *[!0-9]*) total=0 ;; esac
  [ "$total" -gt "$have" ] && of=/$((total / 1000000)) || of=
  echo "$((have / 1000000))$of MB"
}

# Download or resume once. The status is curl's.
download() {
  saying megabytes curl -q -fsSL -C - --connect-timeout 15 --speed-limit 1024 --speed-time 60 \
    -D "$headers" -o "$part" "$url"
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
    # 33 and 36 are for what cannot be resumed: the server knows no ranges, or the part is too long.
    case $code in
      33 | 36)
        echo "$name: what was left cannot be resumed, and is downloaded anew"
        rm -f "$part"
        ;;
      *) sleep 2 ;;
    esac
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
  echo "model: $url does not match its SHA-256 (got $(sum), expected $sha256);" \
    "it was deleted, and the model that serves is as it was" >&2
  rm -f "$part"
  exit 1
fi
mv -f "$part" "$path"
rm -f "$prefix".*.part
