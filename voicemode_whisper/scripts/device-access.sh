#!/bin/sh
# Print what this process may do with the GPU's devices, for core/device_access.py: a line `device
# PATH` for each that is there, below it its mode, owner, group, ACL and whether it is accessible;
# `missing PATH` for one that is not; `process-group`, `account-group` and `manager-group` for each
# group of this process, of the user $1 in the user database and of the user's service manager,
# which is there if there is a line `manager`; what is not-loaded or not-installed of the driver.
#
# systemd-run, which runs this too, would expand a dollar sign with a brace, or two of them.
set -u
user=$1

for device in /dev/kfd /dev/dri/renderD*; do
  if [ ! -e "$device" ]; then
    echo "missing $device"
    continue
  fi
  echo "device $device"
  stat --printf 'mode %A\nowner %U\ngroup %G\n' "$device"
  getfacl -cp "$device" 2> /dev/null | sed -n '/./s/^/acl /p'
  if [ -r "$device" ] && [ -w "$device" ]; then echo "accessible yes"; else echo "accessible no"; fi
done

id -nGz | tr '\0' '\n' | sed 's/^/process-group /'
id -nGz "$user" | tr '\0' '\n' | sed 's/^/account-group /'
pid=$(systemctl show -p MainPID --value "user@$(id -u "$user").service" 2> /dev/null)
if [ -e "/proc/$pid/status" ]; then
  echo manager
  awk '/^Gid:/ { print $3 } /^Groups:/ { $1 = ""; print }' "/proc/$pid/status" |
    xargs getent group | cut -d: -f1 | sed 's/^/manager-group /'
fi

[ -d /sys/module/amdgpu ] || echo 'not-loaded amdgpu'
[ -d "/usr/lib/modules/$(uname -r)" ] || echo 'not-installed modules'
