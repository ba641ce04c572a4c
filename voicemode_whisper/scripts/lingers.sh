#!/bin/sh
# Print yes if the services of the user $1, whose id is $2, run without a login, as logind says, and
# their service manager does run.
[ "$(loginctl show-user -p Linger --value "$1" 2> /dev/null)" = yes ] &&
  systemctl -q is-active "user@$2.service" && echo yes
true
