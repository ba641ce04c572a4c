#!/bin/sh
# Print what core/gateway.py reads of the pool in $1, whose units belong into $2: `current SETUP`; `setup SETUP PART PART` for each, the newest first; `part
# PART` for each proxy and virtual environment; `differs UNIT` for each unit that is not the current
# setup's; `program PROGRAM` for what the proxy should be; `loaded
# REVISION` of HAProxy's configuration; `unit UNIT` for each, with its properties below.
# shellcheck source=voicemode_whisper/scripts/unit-files.sh
. ./unit-files.sh
pool=$1 units=$2
set -- voicemode-whisper-balancer.service voicemode-whisper-pool.service voicemode-whisper-pool.socket

balancer() (
  # shellcheck source=voicemode_whisper/scripts/balancer.sh
  . ./balancer.sh
)
part_of() { readlink "$1" | sed 's|^\.\./||'; }

if cd "$pool" 2> /dev/null; then
  ! current=$(readlink current) || echo "current $current"
  find . -mindepth 1 -maxdepth 1 -type d -name 'setup-*' ! -name '*.new' -printf '%T@ %f\n' |
    sort -rn | while read -r _ setup; do
    echo "setup $setup $(part_of "$setup/proxy") $(part_of "$setup/venv")"
  done
  find . -mindepth 1 -maxdepth 1 \( -name 'proxy-*' -o -name 'venv-*' \) -printf 'part %f\n'
  for unit; do
    ! unit_differs "current/units/$unit" "$units/$unit" || echo "differs $unit"
  done
  echo "program $(realpath -eq current/venv/bin/python)"
fi
balancer 'show info' 2> /dev/null | sed -n 's/^description: /loaded /p'
# shellcheck source=voicemode_whisper/scripts/unit-state.sh
. ./unit-state.sh
