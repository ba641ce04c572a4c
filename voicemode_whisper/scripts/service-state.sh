#!/bin/sh
# Print what core/services.py reads of the generation $3 below $1, whose units belong into $2: `link NAME`
# for each of the known paths that does not lead into `current`, `differs UNIT` for each unit that is
# not the generation's, `runs UNIT PROGRAM` for what its process should be, and `unit UNIT` for each,
# with its properties below.
# shellcheck source=voicemode_whisper/scripts/unit-files.sh
. ./unit-files.sh
services=$1 units=$2 generation=$1/generations/$3
cd "$services" || exit

link() { [ "$(readlink "$1")" = "$2" ] || echo "link $1"; }
link whisper.cpp/build ../current/build
link whisper-proxy current/proxy
link whisper-proxy-venv current/venv

echo "runs voicemode-whisper.service $(realpath -eq "$generation/build/bin/whisper-server")"
echo "runs voicemode-whisper-proxy.service $(realpath -eq "$generation/venv/bin/python")"
[ ! -L "$generation/wyoming" ] ||
  echo "runs voicemode-whisper-wyoming.service $(realpath -eq "$generation/wyoming/bin/python")"

set -- voicemode-whisper.service voicemode-whisper-proxy.service voicemode-whisper-proxy.socket \
  voicemode-whisper-wyoming.service
for unit; do
  ! unit_differs "$generation/units/$unit" "$units/$unit" || echo "differs $unit"
done
# shellcheck source=voicemode_whisper/scripts/unit-state.sh
. ./unit-state.sh
