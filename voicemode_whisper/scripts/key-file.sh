#!/bin/sh
# Print what is to be known of the API key's file $1, but not the key: MODE OWNER, and on a line of its
# own `key` if this user can read one from it, as the proxy does (api_key.py).
[ -f "$1" ] || exit 0
stat -L -c '%a %U' "$1"
export LC_ALL=C
if [ "$(grep -ac '[^[:space:]]' "$1" 2> /dev/null)" = 1 ] \
  && grep -aqx '[[:space:]]*[!-~]\{1,\}[[:space:]]*' "$1"; then
  echo key
fi
