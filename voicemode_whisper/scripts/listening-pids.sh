#!/bin/sh
# To be read by others: who has a socket, as ss(8) says it.

# The process ids in the last column of `ss -p`, users:(("NAME",pid=PID,fd=FD),...): each once, in a line.
listening_pids() (
  pids=' ' rest=$1
  while [ "$rest" != "${rest#*,pid=}" ]; do
    rest=${rest#*,pid=}
    case $pids in *" ${rest%%,*} "*) ;; *) pids="$pids${rest%%,*} " ;; esac
  done
  echo "$pids"
)
