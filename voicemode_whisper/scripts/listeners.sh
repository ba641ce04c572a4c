#!/bin/sh
# Print ss's lines on what listens on the TCP port $1, and below each a line `cgroup of PID: GROUP`
# for every process that it names. Needs root to see other users' processes.
set -u

ss -Hltnp "sport = :$1" | while read -r line; do
  echo "$line"
  for pid in $(echo "$line" | grep -o 'pid=[0-9]*' | cut -d= -f2); do
    echo "cgroup of $pid: $(tail -n 1 "/proc/$pid/cgroup")"
  done
done
