#!/bin/sh
# Remove the checkout $1 but for what is not the deploy's: files that git does not know, files with
# local changes, and git's own store where changes were set aside in its stash.
set -eu
cd "$1"

git checkout -q -- "$2" 2> /dev/null || true
export LC_ALL=C
git ls-files -z | sort -z > .git/all
git diff -z --name-only HEAD | sort -z > .git/changed
comm -z23 .git/all .git/changed | xargs -0r rm -f --
if git rev-parse -q --verify refs/stash > /dev/null; then
  echo "kept in $1: your changes, which git stash list shows"
else
  rm -rf .git
fi
find . -depth -type d -empty -not -path './.git/*' -delete
cd /
rmdir -p --ignore-fail-on-non-empty "$1" 2> /dev/null || true
