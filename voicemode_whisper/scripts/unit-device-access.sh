#!/bin/sh
# Print what the process $2 of the user's unit $1 may do with the GPU's devices, for
# core/device_access.py: what the command $3... prints, which the same service manager runs, so with
# the same groups; and what only the process and its unit tell: `hidden PATH` for each device that
# is there but not for it, `environment NAME=VALUE` for what chooses among GPUs in its environment,
# `sandboxing NAME=VALUE` for settings of the unit that keep devices from it.
set -u
unit=$1 pid=$2
shift 2
XDG_RUNTIME_DIR="/run/user/$(id -u)"
export XDG_RUNTIME_DIR

systemd-run --user -q --pipe --wait --collect env -i PATH="$PATH" LC_ALL=C.UTF-8 "$@" 2> /dev/null

# Settings that hide devices make a mount namespace, in which other files have their names.
identity() { stat -Lc '%d %i' "$1" 2> /dev/null; }
if [ -e "/proc/$pid/root" ]; then
  for device in /dev/kfd /dev/dri/renderD*; do
    [ ! -e "$device" ] || [ "$(identity "$device")" = "$(identity "/proc/$pid/root$device")" ] ||
      echo "hidden $device"
  done
  tr '\0' '\n' 2> /dev/null < "/proc/$pid/environ" |
    grep -E '^([A-Z]+(_VK)?_VISIBLE_DEVICES|GPU_DEVICE_ORDINAL|HSA_OVERRIDE_GFX_VERSION|VK_(ADD_)?DRIVER_FILES)=' |
    sed 's/^/environment /'
fi

settings=PrivateDevices,RootDirectory,RootImage,InaccessiblePaths,TemporaryFileSystem
systemctl --user show -p "$settings" "$unit" 2> /dev/null |
  grep -Ev '=(no)?$' | sed 's/^/sandboxing /'
