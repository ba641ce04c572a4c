#!/bin/sh
# To be read by others: a command that is ended when it takes too long.
#
# Time in which programs of this machine waited for a processor does not count: another host on the
# same machine, or a build, may take most of it, which is not the command's fault. An hour is the end.

# Seconds of that, since the machine started (the kernel's accounting/psi.rst); 0 where it does not tell.
crowded() {
  seconds=$(sed -n 's/^some .*total=\([0-9]*\)[0-9]\{6\}$/\1/p' /proc/pressure/cpu 2> /dev/null)
  echo "${seconds:-0}"
}

# End the process $1 where it does not within $2 seconds, and fail then.
end_late() {
  left=$2 hour=3600 before=$(crowded)
  while [ "$left" -gt 0 ]; do
    timeout "$left" tail --pid="$1" -s 0.1 -f /dev/null
    [ $? -eq 124 ] || return 0
    hour=$((hour - left)) now=$(crowded)
    left=$((now - before)) before=$now
    [ "$left" -le "$hour" ] || left=$hour
  done
  ! kill "$1"
}

# Run $2..., for $1 seconds at most. The status is its own, or 124 as with timeout(1).
within() {
  limit=$1
  shift
  "$@" &
  command=$!
  end_late "$command" "$limit" > /dev/null 2>&1 &
  late=$!
  wait "$command"
  status=$?
  wait "$late" || status=124
  return "$status"
}
