#!/bin/sh
# Download to $2 what is called $1 in messages, and keep it only if its SHA-256 is $3; say every few
# seconds how far it is. $4 is its size in bytes, empty where that is not known. Standard input has
# the URL as curl reads it from a file of options: its credentials stand on no command line.
#
# The partial file is named after the sum, so that what was left of another model is never resumed.
set -u
# shellcheck source=voicemode_whisper/scripts/saying.sh
. ./saying.sh
url=$1 path=$2 sha256=$3 size=$4
options=$(cat)
name=$(basename "$path") directory=$(dirname "$path")
prefix="$directory/.$name"
part="$prefix.$(echo "$sha256" | cut -c1-12).part"
# So often in a row it may bring nothing new; a second with less than a kilobyte counts as nothing.
TRIES=5 LITTLE=1024
# Seconds that a server may ask to wait.
PATIENCE=60
# Files without a name: nothing is left of them, however this ends.
headers=$(mktemp) errors=$(mktemp)
exec 4> "$headers" 5> "$errors"
rm "$headers" "$errors"
headers=/proc/$$/fd/4 errors=/proc/$$/fd/5

# shellcheck source=voicemode_whisper/scripts/curl-error.sh
. ./curl-error.sh

# What $1 prints, as a line about the model.
named() { echo "$name: $($1)"; }

fail() {
  echo "model: $*" >&2
  exit 1
}

hash() { sha256sum < "$part"; }
checking() { echo "checking its SHA-256"; }
sum() { saying 'named checking' hash | cut -d' ' -f1; }
matches() { [ -f "$part" ] && [ "$(sum)" = "$sha256" ]; }

bytes() { stat -c %s "$part" 2> /dev/null || echo 0; }

# Bytes of the whole file, 0 where that is not known. Of a resumed download the server says them in
# Content-Range.
whole() {
  total=$(header content-range "$headers" | cut -d/ -f2)
  total=${total:-$(header content-length "$headers")}
  case $total in '' | *[!0-9]*) echo "${size:-0}" ;; *) echo "$total" ;; esac
}

# Megabytes that are there, of how many if that is known.
megabytes() {
  have=$(bytes) total=$(whole)
  [ "$total" -gt "$have" ] && of=/$((total / 1000000)) || of=
  echo "$((have / 1000000))$of MB"
}

run_curl() {
  printf '%s\n' "$options" | curl -q -fsSLg --config - -C - ${size:+--max-filesize "$size"} \
    --connect-timeout 15 --speed-limit 1024 --speed-time 60 \
    -D "$headers" -o "$part" 2> "$errors"
}

# Download or resume once. The status is curl's. `pieces` is set where several tries have brought
# what is there, `changed` where the server had another file at the last.
download() {
  before=$(bytes)
  [ "$before" -eq 0 ] || pieces=1
  : > "$headers"
  saying 'named megabytes' run_curl
  status=$?
  tag=$(header etag "$headers")
  [ -z "$seen" ] || [ -z "$tag" ] || [ "$tag" = "$seen" ] || changed=1
  seen=${tag:-$seen}
  return "$status"
}

# Whether what curl's status $1 is for passes by itself.
passes() {
  case $1:$(http_status "$headers") in
    22:408 | 22:425 | 22:429 | 22:5??) ;;
    5:* | 6:* | 7:* | 16:* | 18:* | 28:* | 35:* | 52:* | 55:* | 56:* | 92:* | 95:* | 96:*) ;;
    *) false ;;
  esac
}

# Seconds that the server asks to wait; it may say a time instead.
asked() {
  after=$(header retry-after "$headers")
  case $after in
    '') echo 0 ;;
    *[!0-9]*) echo $(($(date -d "$after" +%s 2> /dev/null || echo 0) - $(date +%s))) ;;
    *) echo "$after" ;;
  esac
}

waiting() { echo "waiting to try again: $(curl_error "$status" "$errors" "$headers")"; }

# Longer each time that nothing came.
pause() {
  [ "$tries" -eq 1 ] && seconds=0.2 || seconds=$((1 << (tries - 1)))
  wanted=$(asked)
  [ "$wanted" -le "$PATIENCE" ] ||
    fail "cannot download $url: $(curl_error "$status" "$errors" "$headers"), and asks to wait for" \
      "$wanted seconds; run again then"
  [ "$wanted" -lt "${seconds%.*}" ] || [ "$wanted" -le 0 ] || seconds=$wanted
  saying 'named waiting' sleep "$seconds"
}

no_room() {
  free=$(df -B1000000 --output=avail "$directory" | tail -n 1 | tr -d ' ')
  missing=$((($(whole) - $(bytes)) / 1000000))
  [ "$missing" -ge 0 ] && needed=" of the $missing MB that are to come" || needed=
  fail "cannot write to $directory: $free MB are free$needed; make room and run again, which goes on" \
    "from here"
}

# What to say of a download that is not tried again.
give_up() {
  case $1 in
    23) no_room ;;
    63)
      rm -f "$part"
      fail "cannot download $url: it is larger than the $((size / 1000000)) MB that $name has;" \
        "something else lies there"
      ;;
  esac
  kept=
  [ "$(bytes)" -eq 0 ] || kept="; run again, which goes on from $(megabytes)"
  fail "cannot download $url: $(curl_error "$1" "$errors" "$headers")$kept"
}

# What is there is of no use.
start_anew() {
  echo "$name: $1, and is downloaded anew"
  rm -f "$part"
}

fetch() {
  tries=0 furthest=0 pieces=0 changed=0 seen=
  until download; do
    tries=$((tries + 1))
    if [ "$(bytes)" -ge $((furthest + LITTLE)) ]; then
      tries=1 furthest=$(bytes)
    fi
    [ "$tries" -lt "$TRIES" ] || give_up "$status"
    # What cannot be resumed: the server knows no ranges (33), or the part is too long (36, 416).
    case $status:$(http_status "$headers") in
      33:* | 36:* | 22:416)
        ! is_page "$headers" || give_up 0
        start_anew "what was left cannot be resumed"
        ;;
      *)
        passes "$status" || give_up "$status"
        pause
        ;;
    esac
  done
  if [ "$(http_status "$headers")" = 200 ] && is_page "$headers" && ! matches; then
    rm -f "$part"
    give_up 0
  fi
}

local_file() {
  file=$(env printf '%b' "$(echo "${url#file://}" | sed 's/%\(..\)/\\x\1/g')")
  if [ ! -e "$file" ]; then
    fail "got $file, which is not there"
  elif [ ! -f "$file" ] || [ ! -r "$file" ]; then
    fail "got $file, which is no file that $(id -un) can read: $(ls -ld "$file")"
  fi
}

case $url in file://*) local_file ;; esac
[ -z "$size" ] || [ "$(bytes)" -le "$size" ] || rm -f "$part"
if ! matches; then
  fetch
  # What was left of an earlier run may have been damaged.
  if [ "$pieces" -eq 1 ] && ! matches; then
    [ "$changed" -eq 1 ] && why="it changed on the server meanwhile" ||
      why="what came in several pieces does not match its SHA-256"
    start_anew "$why"
    fetch
  fi
fi
if ! matches; then
  encoding=$(header content-encoding "$headers")
  [ "${size:-$(bytes)}" -ne "$(bytes)" ] && of=", $(bytes) bytes instead of $size" || of=
  echo "model: $url does not match its SHA-256 (got $(sum), expected $sha256$of" \
    "${encoding:+, sent with Content-Encoding: $encoding});" \
    "it was deleted, and the model that serves is as it was" >&2
  rm -f "$part"
  exit 1
fi
mv -f "$part" "$path"
rm -f "$prefix".*.part
