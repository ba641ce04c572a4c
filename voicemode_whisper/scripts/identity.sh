#!/bin/sh
# Print who and what this is, below a line by which to see whether something else is printed first:
# KEY=VALUE lines for user, uid, home, architecture (uname -m) and init; then the lines of
# os-release(5), where there is one.
#
# init is systemd where sd_booted(3) says so, or else the name of process 1: /proc may hide that.
set -u

echo '### identity'
# Not echo, for which the backslash of DOMAIN\user may mean something.
printf 'user=%s\n' "$(id -un)"
echo "uid=$(id -u)"
printf 'home=%s\n' "$HOME"
echo "architecture=$(uname -m)"
if [ -d /run/systemd/system ]; then
  echo init=systemd
else
  echo "init=$(cat /proc/1/comm)"
fi
cat /etc/os-release 2> /dev/null || true
