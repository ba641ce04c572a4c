#!/bin/sh
# Print what core/toolchain.py reads of the tools that a build is made with: `tool NAME VERSION` for each
# of the packages $2... that is installed, for the C++ compiler and for the processor, as whisper.cpp is
# built for the one that it is built on; `rocm DIRECTORY` and `hip-compiler PATH` where ROCm is among the
# packages; `icd PATH` for each manifest of the Vulkan driver of the package $1, where one is named, and
# `vulkan LINE` for what vulkaninfo says of its devices.
set -u
driver=$1
shift

files() { pacman -Qlq "$1" 2> /dev/null; }

[ $# -eq 0 ] || pacman -Q "$@" 2> /dev/null | sed 's/^/tool /'
c++ --version 2> /dev/null | head -n 1 | sed 's/^/tool /'
echo "tool cpu $(grep -m1 '^flags' /proc/cpuinfo | sha256sum | cut -c1-12)"

# Where its headers are: ROCm 10 has a directory for each version.
rocm=$(files hip-runtime-amd | sed -n 's|/include/hip/\{0,1\}$||p' | head -n 1)
case " $* " in
  *' hip-runtime-amd '*) [ -z "$rocm" ] || {
    echo "rocm $rocm"
    compiler=$(files rocm-llvm | grep -m1 '/bin/clang++$')
    echo "hip-compiler ${compiler:-$rocm/lib/llvm/bin/clang++}"
  } ;;
esac

[ -n "$driver" ] || exit 0
icds=$(files "$driver" | grep '/vulkan/icd\.d/.*\.json$')
[ -n "$icds" ] || exit 0
echo "$icds" | sed 's/^/icd /'
# As whisper.cpp is run: with that driver alone, and no layers that games are given.
VK_DRIVER_FILES=$(echo "$icds" | paste -sd:) VK_LOADER_LAYERS_DISABLE='~implicit~' \
  timeout 60 vulkaninfo 2> /dev/null |
  grep -E '^(GPU[0-9]+:|\s+(deviceName|deviceType|driverName|pci[A-Z][a-z]+)\s*=)' | sed 's/^/vulkan /'
true
