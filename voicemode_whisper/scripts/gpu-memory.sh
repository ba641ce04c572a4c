#!/bin/sh
# Print how many bytes of GPU memory the kernel accounts to the process $2, as KFD's directory $1
# (/sys/class/kfd/kfd) says; nothing where it does not account.
#
# A process that has not opened /dev/kfd has none. KFD numbers processes as the host does: in a
# container, where it names some that are not there, nothing is known.
set -u
processes=$1/proc

[ -d "$processes" ] || exit 0
for process in "$processes"/*; do
  [ ! -e "$process" ] || [ -e "/proc/${process##*/}" ] || exit 0
done
cat "$processes/$2"/vram_* 2> /dev/null | awk '{ sum += $1 } END { printf "%.0f\n", sum }'
