#!/bin/sh
# Keep what is set up below $1 with the units in $2 as the directory $3 there, and make it the
# latest: the links and the unit files, which is all that it takes to go back.
set -eu
services=$1 units=$2 name=$3
cd "$services"

link() {
  if [ -L "$1" ]; then
    ln -s "$(readlink "$1")" "$2"
  elif [ -e "$1" ]; then
    ln -s "$(basename "$1").by-hand" "$2" # where it is kept when something takes its place
  fi
}

rm -rf "$name.new"
mkdir "$name.new"
link whisper.cpp/build "$name.new/build"
link whisper-proxy "$name.new/whisper-proxy"
link whisper-proxy-venv "$name.new/whisper-proxy-venv"
for unit in "$units"/voicemode-whisper.service "$units"/voicemode-whisper-proxy.*; do
  case $unit in *.service | *.socket) [ ! -e "$unit" ] || cp -p "$unit" "$name.new/" ;; esac
done
sync -f "$name.new"
rm -rf "$name"
mv -T "$name.new" "$name"
ln -sfn "$name" confirmed.new
mv -fT confirmed.new confirmed
