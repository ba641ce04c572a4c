#!/bin/sh
# Reduce the build directory $1 to the programs $6..., with the manifest $3, under the name $2. The VAD
# model $4 goes with them, as vad.bin, if it is there and its SHA-256 is $5.
set -eu
partial=$1 final=$2 manifest=$3 vad=$4 sha256=$5
shift 5

rm -rf "$final.new" "$final"
mkdir -p "$final.new/bin"
for program; do
  install -m 755 "$partial/bin/$program" "$final.new/bin/"
done
if [ -f "$vad" ] && [ "$(sha256sum < "$vad" | cut -d' ' -f1)" = "$sha256" ]; then
  install -m 644 "$vad" "$final.new/vad.bin"
fi
# What is confirmed, so that the doctor sees what is changed later.
(cd "$final.new" && find bin vad.bin -type f -exec sha256sum {} + 2> /dev/null > SHA256SUMS) || true
printf %s "$manifest" > "$final.new/manifest.json"
# What has this name is whole, after a power cut too.
sync -f "$final.new"
mv -T "$final.new" "$final"
rm -rf "$partial"
