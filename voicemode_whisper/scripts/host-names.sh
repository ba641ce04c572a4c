#!/bin/sh
# Print by which names and addresses others may call this machine: `name NAME`, its own; `domain DOMAIN`,
# in which short names are looked for (resolv.conf(5)); `address ADDRESS`. Addresses that come and go by
# themselves are left out: those of IPv6's privacy extensions, of one link alone, and what is on its way.
set -u

echo "name $(uname -n)"
sed -n 's/^[[:space:]]*\(search\|domain\)[[:space:]]\{1,\}//p' /etc/resolv.conf 2> /dev/null \
  | tr -s '[:space:]' '\n' | sed -n 's/^..*$/domain &/p' | awk '!said[$0]++'
ip -o addr show scope global | grep -vE ' (temporary|tentative|deprecated|dadfailed)' \
  | awk '{ sub("/.*", "", $4); print "address " $4 }'
