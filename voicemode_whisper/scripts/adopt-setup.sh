#!/bin/sh
# Make what is set up below $1, with its units in $2, generation 1: links to its build $3, proxy $4,
# virtual environment $5 and model $6, with the manifest $7. What runs goes on as it is: the known paths
# lead where they did until a generation is activated.
set -eu
# shellcheck source=voicemode_whisper/scripts/new-generation.sh
. ./new-generation.sh
services=$1 units=$2
shift 2
cd "$services"

# Builds of the earlier layout belong into builds/. With hard links the old names stay valid until
# nothing needs them any more.
for old in whisper.cpp/build-*-????????????; do
  new="whisper.cpp/builds/${old#whisper.cpp/build-}"
  if [ -e "$old/manifest.json" ] && [ ! -e "$new" ]; then
    mkdir -p whisper.cpp/builds
    rm -rf "$new.new"
    cp -al "$old" "$new.new"
    mv -T "$new.new" "$new"
  fi
done

begin_generation 1 "$1" "$2" "$3" "$4" ''
printf %s "$5" > generations/1.new/manifest.json
for unit in voicemode-whisper.service voicemode-whisper-proxy.service voicemode-whisper-proxy.socket; do
  [ ! -e "$units/$unit" ] || cp "$units/$unit" generations/1.new/units/
done
finish_generation 1
ln -sfn generations/1 current.new
mv -fT current.new current
