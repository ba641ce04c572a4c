#!/bin/sh
# To be read by others: what the user's own environment has, which clean-shell.sh leaves out.

# The variables whose names match the extended regular expression $1, as NAME=VALUE lines in the order of
# their names, from the nearest process above this one that has any. There is one without a clean
# environment, the shell that reads commands from the connection; sudo keeps its own from what it runs.
of_user() (
  pid=$$
  while [ "${pid:-0}" -gt 1 ]; do
    tr '\0' '\n' < "/proc/$pid/environ" 2> /dev/null | LC_ALL=C grep -aE "^($1)=." | LC_ALL=C sort |
      grep -a . && break
    pid=$(awk '/^PPid:/ { print $2 }' "/proc/$pid/status")
  done
)
