#!/bin/sh
# Reduce the build directory $1 to the programs $4..., with the manifest $3, under the name $2.
set -eu
partial=$1 final=$2 manifest=$3
shift 3

rm -rf "$final.new"
mkdir -p "$final.new/bin"
for program; do
  install -m 755 "$partial/bin/$program" "$final.new/bin/"
done
printf %s "$manifest" > "$final.new/manifest.json"
mv -T "$final.new" "$final"
rm -rf "$partial"
