#!/bin/sh
# Keep changes to tracked files of the checkout $1 in git's stash under the name $3, and say so.
# The file $2 is written by the build itself: changes to it are nobody's.
set -eu
cd "$1"

git rev-parse -q --verify HEAD > /dev/null || exit 0
git checkout -q -- "$2" 2> /dev/null || true
git diff --quiet HEAD && exit 0
git -c user.name=deploy -c user.email=deploy@localhost stash push -q -m "$3"
echo "local changes in $1 were set aside: git stash list"
