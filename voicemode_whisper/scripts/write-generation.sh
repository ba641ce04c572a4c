#!/bin/sh
# Have the generation $2 below $1, whole or not at all: links to the parts $3 (build), $4 (proxy),
# $5 (virtual environment) and $6 (model), which are paths below $1 or empty, and then files with
# their texts: NAME TEXT...
set -eu
cd "$1"
final="generations/$2" build=$3 proxy=$4 venv=$5 model=$6
shift 6

link() { [ -z "$1" ] || ln -s "../../$1" "$final.new/$2"; }

rm -rf "$final.new"
mkdir -p "$final.new/units"
link "$build" build
link "$proxy" proxy
link "$venv" venv
link "$model" model
while [ $# -gt 0 ]; do
  printf %s "$2" > "$final.new/$1"
  shift 2
done
sync -f "$final.new"
rm -rf "$final"
mv -T "$final.new" "$final"
