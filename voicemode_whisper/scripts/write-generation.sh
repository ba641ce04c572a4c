#!/bin/sh
# Have the generation $2 below $1: links to the parts $3 (build), $4 (proxy), $5 (virtual environment),
# $6 (model) and $7 (wyoming-openai's virtual environment), which are paths below $1 or empty, and then
# files with their texts: NAME TEXT...
set -eu
# shellcheck source=voicemode_whisper/scripts/new-generation.sh
. ./new-generation.sh
# shellcheck source=voicemode_whisper/scripts/check-units.sh
. ./check-units.sh
cd "$1"
number=$2

# Have a new secret in $1, which does not leave the host, and the library that tells it to whisper-server
# alone. A compiler that is killed leaves its temporary files there too.
keep_request_path() {
  secret=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  [ ${#secret} -eq 32 ]
  (umask 077 && echo "/$secret" > "$1/request-path")
  TMPDIR="$PWD/$1" cc -shared -fPIC -O1 -Wall -o "$1/request-path.so" "$1/request-path.c"
}

begin_generation "$number" "$3" "$4" "$5" "$6" "$7"
shift 7
while [ $# -gt 0 ]; do
  printf %s "$2" > "generations/$number.new/$1"
  shift 2
done
if [ -e "generations/$number.new/request-path.c" ]; then
  check_units "generations/$number.new"
  keep_request_path "generations/$number.new"
fi
finish_generation "$number"
