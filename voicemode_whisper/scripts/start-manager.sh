#!/bin/sh
# Have the service manager of the user with the id $1 run; say why where it does not.
set -u
unit=user@$1.service

timeout 60 systemctl start "$unit" 2> /dev/null && exit
why=$(systemctl show -p LoadState,Result "$unit" | tr '\n' ' ')
last=$(journalctl -q --no-pager -o cat -b -n 1 -u "$unit")
echo "systemd: $unit, the user's service manager, does not start (${why% }): $last" >&2
exit 1
