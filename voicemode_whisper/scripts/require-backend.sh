#!/bin/sh
# Fail unless the build directory $1, as CMake has configured it, is one of the backend $2, hip or vulkan,
# and of HIP for each of the GPU architectures $3... CMake accepts options that it does not know without a
# word, and the build is then for the CPU.
set -u
build=$1 backend=$2
shift 2
option=GGML_$(echo "$backend" | tr '[:lower:]' '[:upper:]')

fail() {
  echo "whisper.cpp: CMake did not configure a build for the GPU: $1; see $build/CMakeCache.txt" >&2
  exit 1
}

grep -qx "$option:BOOL=ON" "$build/CMakeCache.txt" || fail "$option is not on"
ninja -C "$build" -t targets all | grep -q "^ggml-$backend: phony\$" ||
  fail "the backend (ggml-$backend) is not among the targets"
for target; do
  grep -qE -- "--offload-arch=$target( |$)" "$build/build.ninja" ||
    fail "nothing is compiled for $target"
done
