#!/bin/sh
# Print `MICROWATTS PERCENT`: what the AMD GPU draws whose directory among the kernel's PCI devices
# is $1, and how busy it is; - for what the kernel does not say, or not of a GPU that sleeps.
#
# Most say power1_average; some say power1_input instead, since Linux 6.6
# (docs.kernel.org/gpu/amdgpu/thermal.html).
set -u
microwatts=$(cat "$1"/hwmon/hwmon*/power1_average 2> /dev/null ||
  cat "$1"/hwmon/hwmon*/power1_input 2> /dev/null)
percent=$(cat "$1/gpu_busy_percent" 2> /dev/null)
echo "${microwatts:--} ${percent:--}"
