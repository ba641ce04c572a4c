#!/bin/sh
# Fail unless the build directory $1, as CMake has configured it, is one of the HIP backend, for each
# of the GPU architectures $2... CMake accepts options that it does not know without a word, and the
# build is then for the CPU.
set -u
build=$1
shift

fail() {
  echo "whisper.cpp: CMake did not configure a build for the GPU: $1; see $build/CMakeCache.txt" >&2
  exit 1
}

grep -qx GGML_HIP:BOOL=ON "$build/CMakeCache.txt" || fail "GGML_HIP is not on"
ninja -C "$build" -t targets all | grep -q '^ggml-hip: phony$' ||
  fail "the HIP backend (ggml-hip) is not among the targets"
for target; do
  grep -qE -- "--offload-arch=$target( |$)" "$build/build.ninja" ||
    fail "nothing is compiled for $target"
done
