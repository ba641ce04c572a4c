#!/bin/sh
# Have the generation $2 below $1: links to the parts $3 (build), $4 (proxy), $5 (virtual environment)
# and $6 (model), which are paths below $1 or empty, and then files with their texts: NAME TEXT...
set -eu
# shellcheck source=voicemode_whisper/scripts/new-generation.sh
. ./new-generation.sh
cd "$1"
number=$2
begin_generation "$number" "$3" "$4" "$5" "$6"
shift 6
while [ $# -gt 0 ]; do
  printf %s "$2" > "generations/$number.new/$1"
  shift 2
done
finish_generation "$number"
