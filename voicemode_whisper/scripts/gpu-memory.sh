#!/bin/sh
# Print how many bytes of GPU memory the kernel accounts to the process $2; nothing where it does not
# account. $1 is where it does: KFD's directory (/sys/class/kfd/kfd) for what uses ROCm; for what uses the
# graphics part of the driver, as Vulkan does, the GPU's PCI address.
#
# A process that has not opened /dev/kfd has none there. KFD numbers processes as the host does: in a
# container, where it names some that are not there, nothing is known.
#
# The graphics part tells in /proc/PID/fdinfo, for each client of a device once (the kernel's
# drm-usage-stats.rst). What did not fit on the card, and all of integrated graphics, is in gtt.
set -u

of_kfd() {
  [ -d "$1/proc" ] || return 0
  for process in "$1/proc"/*; do
    [ ! -e "$process" ] || [ -e "/proc/${process##*/}" ] || return 0
  done
  cat "$1/proc/$2"/vram_* 2> /dev/null | awk '{ sum += $1 } END { printf "%.0f\n", sum }'
}

of_clients() {
  [ -n "$1" ] && [ -r "/proc/$2/fdinfo" ] || return 0
  cat "/proc/$2/fdinfo"/* 2> /dev/null | awk -v address="$1" '
    # Each file begins with its position.
    /^pos:/ { pdev = client = "" }
    /^drm-pdev:/ { pdev = $2 }
    /^drm-client-id:/ { client = $2 }
    /^drm-(memory|resident)-(vram|gtt):/ && pdev == address {
      sub(/^drm-(memory|resident)-/, "", $1)
      told = 1
      bytes = $2 * ($3 == "KiB" ? 1024 : $3 == "MiB" ? 1048576 : 1)
      if (bytes > used[client, $1]) used[client, $1] = bytes
    }
    /^drm-pdev:/ && $2 == address { is_client = 1 }
    END {
      for (key in used) sum += used[key]
      # An older kernel has the client and tells nothing of its memory.
      if (told || !is_client) printf "%.0f\n", sum
    }
  '
}

case $1 in
  /*) of_kfd "$1" "$2" ;;
  *) of_clients "$1" "$2" ;;
esac
