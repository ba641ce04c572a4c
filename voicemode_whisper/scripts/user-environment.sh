#!/bin/sh
# To be read by others: what the user's own environment has, which clean-shell.sh leaves out.

# The variables whose names match the extended regular expression $1, as NAME=VALUE lines in the order of
# their names, from the nearest process above this one that has any. There is one without a clean
# environment, the shell that reads commands from the connection; sudo keeps its own from what it runs.
of_user() (
  pid=$$
  while [ "${pid:-0}" -gt 1 ]; do
    if LC_ALL=C grep -qszaE "^($1)=." "/proc/$pid/environ"; then
      tr '\0' '\n' < "/proc/$pid/environ" | LC_ALL=C grep -aE "^($1)=." | LC_ALL=C sort
      break
    fi
    # PID (NAME) STATE PARENT...: the name may have spaces and parentheses (proc_pid_stat(5)).
    stat=''
    read -r stat 2> /dev/null < "/proc/$pid/stat" || break
    stat=${stat##*) ?}
    stat=${stat# } pid=${stat%% *}
  done
)
