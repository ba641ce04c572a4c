#!/bin/sh
# Be a shell, `sh $@`, in whose environment is what is named here and nothing that somebody has set: no
# compiler, flags, paths of libraries or of Python, no language, no proxy (see with-proxies.sh), and none
# of the user's or the system's settings of git and ccache.
#
# It runs as the user and as root. A umask that is stricter than usual is the user's to have.
unset -f env stat umask
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
umask u=rwx,go-w
# The user's name is the last word: it may have spaces.
ids=$(stat -c '%u %U' /proc/self/)
user=${ids#* }
# TMPDIR: /tmp is memory on Arch, and what is built there may be more than fits.
exec env -i PATH="$PATH" HOME="$HOME" USER="$user" LOGNAME="$user" SHELL=/bin/sh LC_ALL=C.UTF-8 \
  TMPDIR=/var/tmp XDG_RUNTIME_DIR="/run/user/${ids%% *}" PYTHONNOUSERSITE=1 \
  CCACHE_CONFIGPATH=/etc/ccache.conf \
  GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null GIT_TERMINAL_PROMPT=0 \
  GIT_CONFIG_COUNT=3 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*' \
  GIT_CONFIG_KEY_1=core.hooksPath GIT_CONFIG_VALUE_1=/dev/null \
  GIT_CONFIG_KEY_2=core.fsmonitor GIT_CONFIG_VALUE_2=false \
  sh "$@"
