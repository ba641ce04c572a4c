#!/bin/sh
# Have a virtual environment $2, made with the Python $1 from the lock file $3 of the program $4, in the
# place of what is there. It is made beside it: whatever runs from there does so until this is whole.
# $5... is what runs pip, with a Python and pip's words behind it.
set -eu
# shellcheck source=voicemode_whisper/scripts/missing-wheel.sh
. ./missing-wheel.sh
python=$1 final=$2 lock=$3 whose=$4 new=$2.new
shift 4

refuse() {
  rm -rf "$new"
  echo "$1" >&2
  exit 1
}

begin() {
  rm -rf "$new"
  # Temporary files lie in it: there is room for it, and what is cut off leaves them there.
  mkdir -p "$new/tmp"
  export TMPDIR="$new/tmp"
  "$python" -Ic 'import ensurepip, venv' 2> /dev/null \
    || refuse "$whose: $python has no module venv or ensurepip; sudo pacman -Syu python brings them"
  "$python" -Im venv "$new"
}

install_locked() {
  "$@" "$new/bin/python" --disable-pip-version-check --no-input --quiet --log "$new/pip.log" \
    install --only-binary :all: --require-hashes -r "$lock" 2> "$new/errors" && return
  missing=$(missing_wheel "$new/pip.log" "$python") \
    && refuse "$whose: $missing. Nothing is compiled, and what served goes on: take a newer release of this project (git pull), or keep the older python"
  # It may have asked two indexes.
  refuse "$(awk '!said[$0]++' "$new/errors")"
}

# venv-state.sh compares the files with these sums. What has the final name is whole, after a power cut
# too.
finish() {
  rm -r "$new/pip.log" "$new/errors" "$new/tmp"
  (cd "$new" && find . -type f ! -name '*.pyc' ! -name '.complete*' -exec sha256sum {} + > .complete.new)
  mv "$new/.complete.new" "$new/.complete"
  sync -f "$new"
}

replace() {
  if [ -e "$final" ] && ! mv -T --exchange "$new" "$final" 2> /dev/null; then
    rm -rf "$final"
  fi
  if [ -e "$final" ]; then rm -rf "$new"; else mv -T "$new" "$final"; fi
}

echo 'making a virtual environment'
begin
echo "installing the packages of $whose"
install_locked "$@"
finish
replace
