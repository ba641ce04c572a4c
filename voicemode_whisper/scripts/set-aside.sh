#!/bin/sh
# Keep what is the user's in the checkout $1 before the commit $3 is checked out, and say so:
# changes to tracked files in git's stash, a commit that no branch has on a branch, files in the
# way of new ones as FILE.by-hand. The file $2 is written by the build: changes to it are nobody's.
set -eu
cd "$1"
generated=$2 commit=$3
short=$(echo "$commit" | cut -c1-12)
LC_ALL=C
export LC_ALL

# Finish a checkout that was cut off: what differs there is git's, and no change of the user's.
finish() {
  moving=$(git config --get deploy.moving) || return 0
  [ "$moving" = "$(git rev-parse -q --verify HEAD)" ] || git checkout -qf --detach "$moving"
  git config deploy.commit "$moving"
}

keep_changes() {
  git checkout -q -- "$generated" 2> /dev/null || true
  git diff --quiet HEAD && return
  git -c user.name=deploy -c user.email=deploy@localhost \
    stash push -q -m "local changes before $short"
  echo "local changes in $1 were set aside: git stash list"
}

keep_commit() {
  head=$(git rev-parse HEAD)
  [ "$head" != "$(git config --get deploy.commit)" ] || return 0
  [ -z "$(git for-each-ref --count=1 --contains "$head")" ] || return 0
  git branch "by-hand-$short" "$head"
  echo "the commit that was checked out in $1 has no branch: it is on by-hand-$short now"
}

# Move aside the files that git does not know and that the commit has.
keep_files() {
  git ls-tree -rz --name-only "$commit" | sort -z > .git/theirs
  git ls-files -z --others | sort -z | comm -z12 - .git/theirs | tr '\0' '\n' > .git/in-the-way
  while read -r file; do
    mv --backup=numbered "$file" "$file.by-hand"
    echo "$file was in the way in $1: it is $file.by-hand now"
  done < .git/in-the-way
  rm .git/theirs .git/in-the-way
}

finish
if [ "$(git rev-parse -q --verify HEAD)" = "$commit" ]; then
  git config deploy.moving "$commit"
  exit 0
fi
if git rev-parse -q --verify HEAD > /dev/null; then
  keep_changes "$1"
  keep_commit "$1"
fi
keep_files "$1"
git config deploy.moving "$commit"
