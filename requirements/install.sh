#!/bin/sh
# Have .venv with what requirements/$1.lock says. $2 is the Python that it is made with; where $3 is not
# empty it was asked for, and .venv is to be on that one.
#
# A .venv that we made, and that its Python has gone from under, is made anew. One that somebody else made
# is used if it can be, and never removed.
set -eu
# shellcheck source=voicemode_whisper/scripts/missing-wheel.sh
. voicemode_whisper/scripts/missing-wheel.sh
name=$1 python=$2 asked=$3
lock=requirements/$name.lock installed=.venv/$name.done begun=.venv/begun

refuse() {
  echo "$1" >&2
  exit 1
}

# The build of the Python $1, and where that lies.
describe() {
  "$1" -Ic 'import sys, sysconfig; print(sysconfig.get_config_var("SOABI"), sys.base_prefix)' 2> /dev/null
}

# Why nothing starts from .venv; nothing where it does.
broken() {
  interpreter=$(readlink -m .venv/bin/python 2> /dev/null || readlink .venv/bin/python || echo .venv/bin/python)
  library=$(.venv/bin/python -Ic 'import sys; print("%s/lib/python%d.%d%s" % (sys.prefix, *sys.version_info[:2], sys.abiflags))' 2> /dev/null) || {
    [ -e "$interpreter" ] && echo "$interpreter does not start" || echo "$interpreter is gone"
    return
  }
  if [ ! -d "$library/site-packages" ]; then
    echo "it was made for $(cd .venv/lib && echo python*), and its Python is $interpreter now"
  elif [ ! -d "$library/site-packages/pip" ]; then
    echo 'it has no pip'
  elif ! head -n 2 .venv/bin/pip 2> /dev/null | grep -qF "$(cd .venv && pwd -P)/bin/"; then
    echo 'its programs start what lies in another directory'
  fi
}

# Why .venv cannot be used; nothing where it can.
problem() {
  if [ -e .venv/made ] && [ -e $begun ]; then
    echo 'what was begun there was cut off'
    return
  fi
  broken | grep . && return
  made_with=$(describe .venv/bin/python)
  if [ -s .venv/made ] && [ "$made_with" != "$(cat .venv/made)" ]; then
    echo "it was made with another build of Python ($(cat .venv/made))"
  elif [ -n "$asked" ] && [ "$made_with" != "$(describe "$python")" ]; then
    echo "it is not on $python"
  fi
}

# Whether somebody else has put something into .venv, or has it elsewhere.
is_foreign() {
  [ -L .venv ] || { [ ! -e .venv/made ] \
    && find .venv -name '*.dist-info' ! -name 'pip-*' ! -name 'setuptools-*' | grep -q .; }
}

check_python() {
  command -v "$python" > /dev/null || refuse "$python: there is no such program; name a Python with make PYTHON=..."
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
    || refuse "$python: Python 3.11 or newer is needed; name one with make PYTHON=..."
}

# Debian keeps venv in a package of its own.
check_venv_module() {
  has_venv && return
  if [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
    apt-get update -qq && apt-get install -qqy --no-install-recommends python3-venv
  fi
  has_venv || refuse "$python: it has no venv module; install it (on Debian: python3-venv), or name another Python with make PYTHON=..."
}
has_venv() { "$python" -c 'import ensurepip, venv' 2> /dev/null; }

make_venv() {
  check_python
  check_venv_module
  # It may be that of .venv itself, which is about to go.
  python=$("$python" -c 'import sys; print(getattr(sys, "_base_executable", sys.executable))')
  rm -rf .venv
  mkdir .venv
  touch .venv/made $begun
  "$python" -m venv .venv
  describe .venv/bin/python > .venv/made
}

# The index that the user has set is asked; where it does not answer, pip's own.
pip_install() {
  echo "Installing what requirements/$name.lock says into .venv"
  rm -f .venv/pip.log
  run_pip 2> .venv/errors && return
  missing=$(missing_wheel .venv/pip.log .venv/bin/python) \
    && fail "$missing; name another Python with make PYTHON=..."
  (unset PIP_CONFIG_FILE && run_pip --isolated) 2>> .venv/errors && return
  fail "$(awk '!said[$0]++' .venv/errors)"
}
run_pip() {
  .venv/bin/python -m pip "$@" --quiet --disable-pip-version-check --log .venv/pip.log install \
    --only-binary :all: --require-hashes -r "$lock"
}
# What pip has not begun to write is not cut off.
fail() {
  grep -q 'Installing collected packages' .venv/pip.log || rm $begun
  refuse "$1"
}

install() {
  touch $begun
  pip_install
  rm .venv/pip.log .venv/errors
  cp "$lock" "$installed"
  rm $begun
}

why=none
[ ! -e .venv ] && [ ! -L .venv ] || why=$(problem)
if [ "$why" = none ]; then
  make_venv
elif [ -n "$why" ]; then
  ! is_foreign || refuse ".venv: $why, and it is not make's own; move it away, and run make again"
  echo "Making .venv anew: $why"
  make_venv
fi
cmp -s "$lock" "$installed" || install
