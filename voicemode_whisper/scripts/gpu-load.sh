#!/bin/sh
# Run the shell command $2. Then print a line `### load MICROWATTS PERCENT`: the most that the AMD
# GPU drew meanwhile whose directory among the kernel's PCI devices is $1, and how busy it was at
# most; - for what is not known. An empty line is before it where the command ends its last.
set -u
device=$1

sample() (
  # shellcheck source=voicemode_whisper/scripts/gpu-sample.sh
  . ./gpu-sample.sh
)

sh -c "$2" &
while kill -0 "$!" 2> /dev/null; do
  sample "$device"
  sleep 0.05
done | awk '
  $1 != "-" && $1 + 0 >= watts + 0 { watts = $1 }
  $2 != "-" && $2 + 0 >= percent + 0 { percent = $2 }
  END { printf "\n### load %s %s\n", (watts == "" ? "-" : watts), (percent == "" ? "-" : percent) }
'
