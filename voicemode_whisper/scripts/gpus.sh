#!/bin/sh
# Print what KFD's directory $1 (/sys/class/kfd/kfd) says of GPUs, as PATH:KEY VALUE lines of its
# properties files; then a line `pci ADDRESS DRIVER BYTES NAME` for each AMD GPU in $2
# (/sys/bus/pci/devices): the driver - where it has none, its memory 0 where the driver does not say, the
# name empty where libdrm does not know it.
set -u
nodes=$1/topology/nodes bus=$2
# Lines DEVICE,<tab>REVISION,<tab>NAME, in hexadecimal digits.
names=/usr/share/libdrm/amdgpu.ids

grep -rHE '^(gfx_target_version|domain|location_id|heap_type|size_in_bytes) ' \
  --include=properties "$nodes" 2> /dev/null
for device in "$bus"/*; do
  vendor='' class=''
  { read -r vendor < "$device/vendor" && read -r class < "$device/class"; } 2> /dev/null
  # AMD is vendor 0x1002; class 0x03 is a display controller.
  case "$vendor $class" in
    '0x1002 0x03'*)
      id=$(cut -c3- "$device/device") revision=$(cut -c3- "$device/revision")
      name=$(grep -i "^$id,[[:space:]]*$revision," "$names" 2> /dev/null | cut -f3)
      driver=$(readlink "$device/driver") memory=$(cat "$device/mem_info_vram_total" 2> /dev/null)
      [ -n "$driver" ] || driver=-
      echo "pci ${device##*/} ${driver##*/} ${memory:-0} $name"
      ;;
  esac
done
