#!/bin/sh
# Run $2..., a step of the build in the directory $1, where temporary files have room and are removed with
# it. With ccache where it works, and otherwise without: a cache that cannot be written, or a setting that
# it cannot read, would fail every compilation.
set -eu
mkdir -p "$1"
export TMPDIR="$1"
shift
probe=$(mktemp -d)
echo 'int probe;' > "$probe/probe.c"
if ! said=$(ccache cc -c "$probe/probe.c" -o "$probe/probe.o" 2>&1); then
  echo "building without ccache, which does not work here: $said"
  export CCACHE_DISABLE=1 CCACHE_CONFIGPATH=/dev/null
fi
rm -rf "$probe"
exec "$@"
