#!/bin/sh
# make_key FILE: have a private key in it, on the curve P-256, which only its user can read; one that is
# there stays.
make_key() {
  if openssl pkey -noout -in "$1" 2> /dev/null; then return; fi
  rm -f "$1.new" # whose mode it would keep
  (umask 077 && openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.new")
  sync "$1.new"
  mv -f "$1.new" "$1"
}
