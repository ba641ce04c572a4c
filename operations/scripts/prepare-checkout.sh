#!/bin/sh
# Have a git repository at $1 with a remote to fetch from, $2 where it has none, and without the
# locks of a git that was killed. Nothing that this deploy runs is using it: see alone.sh.
set -eu
path=$1 repo=$2

if [ ! -e "$path/.git/HEAD" ]; then
  git init -q "$path"
  git -C "$path" config deploy.made true # so that it can be removed again
fi
git -C "$path" remote get-url origin > /dev/null 2>&1 || git -C "$path" remote add origin "$repo"

for pid in $(pgrep -u "$(id -u)" -x git); do
  case $(readlink "/proc/$pid/cwd") in
    "$path" | "$path"/*) exit 0 ;; # the user is at work here: git itself says what is locked
  esac
done
find "$path/.git" -maxdepth 1 -name '*.lock' -delete
