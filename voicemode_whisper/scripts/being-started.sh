#!/bin/sh
# To be read by others: whether systemd has forked a process and not yet executed the unit's program.

# Whether the program $1, which a unit's process runs, is systemd's own.
is_being_started() {
  case $1 in */systemd/systemd | */systemd/systemd-executor) ;; *) return 1 ;; esac
}
