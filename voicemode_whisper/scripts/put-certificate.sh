#!/bin/sh
# Have the certificate on standard input in the file $1, in one step, if it is that of the key $2.
set -eu

# First all of it: what makes it may still be at work on the key, and on the directory.
certificate=$(cat)
printf '%s\n' "$certificate" > "$1.new"
[ "$(openssl x509 -noout -pubkey -in "$1.new" 2> /dev/null)" = "$(openssl pkey -pubout -in "$2")" ] || {
  rm -f "$1.new"
  echo "certificate: what was signed is no certificate for $2" >&2
  exit 1
}
sync "$1.new"
mv -f "$1.new" "$1"
