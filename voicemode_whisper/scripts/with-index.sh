#!/bin/sh
# Run pip, which is the module of the Python $1, with $2...: with the machine's own configuration, and
# where its index cannot be reached, with the index that the user has set for pip. What is installed is
# known by its hashes, wherever it comes from; what else the user has set never counts.
set -u
# shellcheck source=voicemode_whisper/scripts/user-environment.sh
. ./user-environment.sh
python=$1
shift
places='no-index|index-url|extra-index-url|find-links|trusted-host|cert|client-cert|proxy'

# As lines PIP_NAME=VALUE, those of the environment last, where they have the last word.
settings() {
  PIP_CONFIG_FILE='' "$python" -m pip config --user list 2> /dev/null |
    sed -nE "s/^(global|install)\.($places)='(.*)'\$/\2=\3/p" | while IFS='=' read -r name value; do
    echo "PIP_$(printf %s "$name" | tr '[:lower:]-' '[:upper:]_')=$value"
  done
  of_user "PIP_($(printf %s "$places" | tr '[:lower:]-' '[:upper:]_'))"
}

"$python" -m pip --isolated "$@"
status=$?
found=$(settings)
if [ "$status" -eq 0 ] || [ -z "$found" ]; then exit "$status"; fi
echo "trying the index that the user has set for pip"
while IFS='=' read -r name value; do
  export "$name=$value"
done << END
$found
END
export PIP_CONFIG_FILE=/dev/null
exec "$python" -m pip "$@"
