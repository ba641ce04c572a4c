#!/bin/sh
# Have a git repository at $1 with a remote to fetch from, $2 where it has none, and without the
# locks of a git that was killed. Nothing that this deploy runs is using it: see with-lock.sh.
set -eu
path=$1 repo=$2

# Whether somebody is at work there by hand: then git itself says what is locked.
in_use() {
  for pid in $(pgrep -u "$(id -u)" -x git); do
    case $(readlink "/proc/$pid/cwd") in "$path" | "$path"/*) return 0 ;; esac
  done
  return 1
}

if [ -d "$path/.git" ] && ! in_use; then
  find "$path/.git" -maxdepth 1 -name '*.lock' -delete
fi
if ! git -C "$path" rev-parse -q --verify HEAD > /dev/null 2>&1; then
  git init -q "$path"
  git -C "$path" config deploy.made true # so that it can be removed again
fi
git -C "$path" remote get-url origin > /dev/null 2>&1 || git -C "$path" remote add origin "$repo"
# What an earlier deploy wrote there with the credentials that it was given.
if [ "$(git -C "$path" config --local --get deploy.made)" = true ]; then
  case $(git -C "$path" config --local --get remote.origin.url) in
    *://*@*) git -C "$path" remote set-url origin "$repo" ;;
  esac
fi
