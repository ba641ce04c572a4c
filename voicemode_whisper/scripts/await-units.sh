#!/bin/sh
# Wait until each of the user's units $1, $4... runs as it was last told to, and the process that
# answers at the URL that follows it is the unit's own and runs the program after that, where one is
# named; say every few seconds for which. Give up on one that keeps dying, or has not answered within
# three minutes, and at once where another program has the port too. A whisper-server that is idle is
# started.
#
# AWAIT_SECONDS are those three minutes.
set -u
# shellcheck source=voicemode_whisper/scripts/being-started.sh
. ./being-started.sh
# shellcheck source=voicemode_whisper/scripts/listening-pids.sh
. ./listening-pids.sh
limit=${AWAIT_SECONDS:-180}
uid=$(id -u)
XDG_RUNTIME_DIR="/run/user/$uid"
export XDG_RUNTIME_DIR

# Have in $job, $state and $restarts what the manager says of the unit, and in $first how often it had
# been restarted when it was first asked.
ask() {
  job='' state='' restarts=''
  while IFS='=' read -r name text; do
    case $name in
      Job) job=$text ;;
      ActiveState) state=$text ;;
      NRestarts) restarts=$text ;;
    esac
  done << END
$(timeout 10 systemctl --user show -p Job,ActiveState,NRestarts "$unit")
END
  first=${first:-$restarts}
}
value() { timeout 10 systemctl --user show -p "$1" --value "$unit"; }
# Seconds since the machine was started: the time of day may be set meanwhile.
clock() { cut -d. -f1 /proc/uptime; }

# A restart that has not been done yet is a job; till then it is the old process that answers.
runs() {
  ask
  [ -z "$job" ] && [ "$state" = active ]
}
answers() { curl -q --noproxy '*' -fsS -o /dev/null --max-time 5 "$url" 2> /dev/null; }

# For each socket that listens where the URL leads, `socket` and the processes that have it. Only
# one's own are shown.
listeners() {
  case $host in '['*) any='[::]' ;; *) any=0.0.0.0 ;; esac
  ss -Hltnp "sport = :$port" | while read -r _ _ _ address _ processes; do
    case ${address%:*} in
      "$host" | "$any" | '*')
        echo "socket $(listening_pids "$processes")" ;;
    esac
  done
}
# Whether the process $1 is in the unit $2 of the user's own manager.
is_in() {
  while read -r group; do
    case $group/ in */user@"$uid".service/"$2"/* | */user@"$uid".service/*/"$2"/*) return 0 ;; esac
  done 2> /dev/null < "/proc/$1/cgroup"
  return 1
}

# Have in $pids the processes of the unit that listen; $shared is whether any other program does. The
# manager itself keeps a socket for its unit.
look() {
  pids='' shared=no
  sockets=$(listeners)
  [ -n "$sockets" ] || return 0
  while read -r _ socket; do
    found=no
    for pid in $socket; do
      if is_in "$pid" "$unit"; then
        pids="$pids $pid" found=yes
      elif is_in "$pid" init.scope; then
        found=yes
      fi
    done
    [ $found = yes ] || shared=yes
  done << END
$sockets
END
}

# The count of restarts begins anew when a restart that was asked for is done.
keeps_dying() {
  [ -n "$restarts" ] || return 1
  [ "$restarts" -ge "$first" ] || first=$restarts
  [ $((restarts - first)) -ge 5 ]
}
has_ended() {
  case $job$state in failed | inactive) ! wake ;; *) return 1 ;; esac
}
# Start whisper-server if the proxy has stopped it for want of requests (whisper_proxy/idle.py).
wake() {
  proxy=voicemode-whisper-proxy.service
  [ "$unit" = voicemode-whisper.service ] && systemctl --user -q is-active "$proxy" || return 1
  case $(systemctl --user show -p StatusText --value "$proxy") in
    'whisper-server is idle'*) systemctl --user --no-block start "$unit" ;;
    *) return 1 ;;
  esac
}
is_late() { [ $(($(clock) - start)) -ge "$limit" ]; }

# Whether the process $1 runs another program; a longer name is that of one which it has started. One
# that has ended runs none.
is_another() {
  [ -n "$program" ] || return 1
  running=$(readlink "/proc/$1/exe")
  case $running in
    *' (deleted)') return 0 ;;
    '' | "$(realpath -m "$program")"*) return 1 ;;
  esac
  ! is_being_started "$running"
}

give_up() {
  journalctl --user -q --no-pager -o cat -n 15 -u "$unit" -u "${unit%.service}.socket" >&2
  echo "$unit $1" >&2
  exit 1
}
does_not_answer() {
  why="its last words are above"
  [ $shared = no ] || why="port $port is taken by another program"
  give_up "does not answer at $url: $why"
}
check_program() {
  for pid in $pids; do
    ! is_another "$pid" || give_up \
      "runs $running instead of $program, as these say: $(value FragmentPath) $(value DropInPaths)"
  done
}
# Whether what has answered is the unit's own process. Nothing but that counts: another program may
# answer while the unit is about to die.
is_own() {
  look
  [ -n "$pids" ] && { [ $shared = no ] || does_not_answer; }
}

say() {
  now=$(clock)
  [ $((now - said)) -ge 5 ] || return 0
  echo "waiting for $unit"
  said=$now
}

while [ $# -gt 0 ]; do
  unit=$1 url=$2 program=$3 start=$(clock)
  shift 3
  host=${url#*://}
  host=${host%%/*}
  port=${host##*:} host=${host%:*}
  said=$start
  first=''
  until runs && answers && is_own && check_program; do
    look
    check_program
    ask
    if keeps_dying || has_ended || is_late; then does_not_answer; fi
    say
    sleep 0.2
  done
done
