#!/bin/sh
# Print free bytes, files, free files and mount point of each file system that a run writes to.
set -u
for path in "$HOME" "$HOME/.voicemode/services/whisper.cpp" /tmp /var/tmp /var/cache/pacman/pkg /; do
  df -B1 --output=avail,itotal,iavail,target "$path" 2> /dev/null | tail -n 1
done | sort -u
