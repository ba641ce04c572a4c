#!/bin/sh
# Run $2..., which builds in the directory $1, and if that fails, once more without precompiled headers:
# they may not fit, or a file may not compile after them. What is built stays built, as they change no
# object.
set -eu
gch=$1/prefix.h.gch
shift
"$@" || {
  status=$?
  [ -d "$gch" ] || exit "$status"
  echo "building on without precompiled headers"
  rm -rf "$gch"
  exec "$@"
}
