#!/bin/sh
# Reduce the build directory $1 to the programs $4..., with the manifest $3, under the name $2.
set -eu
partial=$1 final=$2 manifest=$3
shift 3

rm -rf "$final.new" "$final"
mkdir -p "$final.new/bin"
for program; do
  install -m 755 "$partial/bin/$program" "$final.new/bin/"
done
printf %s "$manifest" > "$final.new/manifest.json"
# What has this name is whole, after a power cut too.
sync -f "$final.new"
mv -T "$final.new" "$final"
rm -rf "$partial"
