#!/bin/sh
# Print `MICROWATTS PERCENT`, each the median over a second, of the AMD GPU whose directory among
# the kernel's PCI devices is $1, after $2 seconds; - for what is not known, and nothing where there
# is no such directory.
set -u
device=$1 pause=$2

sample() (
  # shellcheck source=voicemode_whisper/scripts/gpu-sample.sh
  . ./gpu-sample.sh
)

# Of five samples, column $1; - sorts before every number.
median() {
  printf '%s\n' "$samples" | cut -d ' ' -f "$1" | LC_ALL=C sort -n | sed -n 3p
}

[ -d "$device" ] || exit 0
sleep "$pause"
samples=$(for _ in 1 2 3 4 5; do
  sample "$device"
  sleep 0.2
done)
echo "$(median 1) $(median 2)"
