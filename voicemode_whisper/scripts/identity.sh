#!/bin/sh
# Print who and what this is, below a line by which to see whether something else is printed first:
# KEY=VALUE lines for user, uid, home, architecture (uname -m) and init (the name of process 1);
# then the lines of os-release(5), where there is one.
set -u

echo '### identity'
echo "user=$(id -un)"
echo "uid=$(id -u)"
echo "home=$HOME"
echo "architecture=$(uname -m)"
echo "init=$(cat /proc/1/comm)"
cat /etc/os-release 2> /dev/null || true
