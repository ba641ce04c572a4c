#!/bin/sh
# Note in ../last how a run of voicemode-whisper-upgrade.service has ended, and tell of a failure with the
# command in ../notify: `when`, `result` (SERVICE_RESULT of systemd.exec(5), or `stopped`) and `said`, as
# NAME=VALUE.
set -u
umask 077
LC_ALL=C.UTF-8
export LC_ALL
result=$SERVICE_RESULT
# systemd calls it success when it has stopped a service, as at shutdown.
[ "$result ${EXIT_CODE-}" != 'success killed' ] || result=stopped

# What the run has said of this machine, and where it has not come so far, all that it said.
of_machine() {
  sed -n 's/^.*\[@local\] *//p' ../last.log | grep -vE '^Error: executed [0-9]+ commands' | grep . ||
    grep . ../last.log
}
# What it has said last that has to do with its result.
said() {
  of_machine 2> /dev/null | if [ "$result" = success ]; then
    grep -E ' was rejected on | is newer, and skipped' | tail -n 1
  else
    tail -n 1
  fi
}
case $result in
  success | exit-code) said=$(said) ;;
  *) said="it was ended: $result" ;;
esac
printf '%s\n' "when=$(date '+%F %R')" "result=$result" "said=$said" > ../last.new
mv -fT ../last.new ../last

if [ "$result" != success ] && [ -s ../notify ]; then
  printf '%s\n' "whisper.cpp on $(uname -n) was not upgraded; what served goes on." "$said" \
    'journalctl --user -u voicemode-whisper-upgrade has the rest.' | timeout 60 sh ../notify
fi
