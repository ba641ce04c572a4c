#!/bin/sh
# Print what core/generations.py reads of the generations below $1: `current LINK`, `manifest JSON` for
# each, `gone FILE` for what the one that serves had and its units need, `version PATH` for directories
# that may be versions of something, `model PATH` for models that the deploy downloaded.
cd "$1" 2> /dev/null || exit 0

current=$(readlink current) && echo "current $current"
needs() { [ -s "current/$1" ] || echo "gone $1"; }
# By what they say themselves: units of an earlier layout, or by hand, need other files or none.
units=$(cat current/units/*.service 2> /dev/null)
for file in server.env proxy.env wyoming.env request-path request-path.so; do
  case $units in *"/current/$file"* | *"LD_PRELOAD=./$file"*) needs "$file" ;; esac
done
for manifest in generations/[0-9]*/manifest.json; do
  # One that is being written has another name.
  case $manifest in generations/*[!0-9]*/manifest.json) continue ;; esac
  # JSON has line breaks between its tokens alone.
  [ ! -e "$manifest" ] || echo "manifest $(tr '\n' ' ' < "$manifest")"
done
for version in whisper.cpp/builds/* whisper.cpp/builds/*/*.new generations/* generations/*/*.new \
  whisper-proxy-* whisper-wyoming-venv-* whisper.cpp/build-* confirmed* comparison; do
  if [ -e "$version" ] || [ -L "$version" ]; then echo "version $version"; fi
done
grep -ls ' downloaded$' whisper.cpp/models/*.sha256 | sed 's/^/model /; s/\.sha256$//'
