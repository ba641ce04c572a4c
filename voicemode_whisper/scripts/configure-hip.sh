#!/bin/sh
# Run $2..., CMake for a HIP build in the directory $1, and precompile what its files begin with: headers of
# ROCm and of C++, which clang reads for the card and again for the processor.
#
# Every file includes prefix.h, which is empty. In its place clang takes from prefix.h.gch/ what was made
# with the same flags for the same half; if nothing there fits, that is an error (see build-hip.sh). What
# clang writes for ninja names the headers in it, and ccache leaves such files to the compiler.
set -eu
build=$1
shift
prefix=$build/prefix.h headers=$build/headers.h gch=$build/prefix.h.gch
mkdir -p "$build"
rm -rf "$gch" "$gch.new"
: >> "$prefix"
"$@" "-DCMAKE_HIP_FLAGS=-include \"$prefix\""
export CCACHE_DISABLE=1

# As in ggml, ROCm's headers come without their functions for warps.
write_headers() {
  cat << 'END'
#define HIP_DISABLE_WARP_SYNC_BUILTINS 1
#include <hip/hip_runtime.h>
#include <hipblas/hipblas.h>
#include <hip/hip_fp16.h>
#include <hip/hip_bf16.h>
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>
END
}

# What clang itself runs to read the headers, a line for each half, with an output to be added.
halves() {
  flags=$(ninja -C "$build" -t commands | sed -n '/ -x hip -c /{s/ -MD -MT .*//; s/ -include "[^"]*"//p; q}')
  said=$(eval "$flags -x hip -fsyntax-only '$headers' '-###'" 2>&1)
  echo "$said" | sed -n 's/ "-fsyntax-only" / "-emit-pch" /p' | grep . || {
    echo "$said" >&2
    return 1
  }
}

precompile() {
  write_headers > "$headers"
  mkdir "$gch.new"
  number=0
  halves > "$build/halves" && while read -r half; do
    number=$((number + 1))
    eval "$half -o '$gch.new/$number.pch'" || return
  done < "$build/halves" && mv "$gch.new" "$gch"
}

echo "precompiling headers"
if ! said=$(precompile 2>&1); then
  echo "building without precompiled headers: $said"
fi
