#!/bin/sh
# Print what is to be known of the certificate $1, its key $2 and, where that is not empty, the private CA
# $3 that is to have issued it for the purpose $4 (openssl-verification-options(1)), all in PEM. Nothing of
# the key is printed.
#
# `now SECONDS`, by this machine's clock; then `problem WHAT`, why they cannot be used, whatever the time;
# or issuer, begins, ends, names, and of the CA ca_ends and ca_fingerprint.
set -u

certificate=$1 key=$2 ca=$3 purpose=$4
echo "now $(date +%s)"

problem() {
  echo "problem $1"
  exit
}

readable() {
  [ -e "$1" ] || problem "$1 is not there"
  [ -f "$1" ] || problem "$1 is no file"
  [ -r "$1" ] || problem "$1 cannot be read by $(id -un)"
}

# field OPTION FILE: what openssl prints after `name=`.
field() {
  openssl x509 -noout "$1" -nameopt oneline,-esc_msb,utf8 -in "$2" | sed 's/^[^=]*=[[:space:]]*//'
}

seconds() {
  date -d "$(field "$1" "$2")" +%s
}

command -v openssl > /dev/null || problem 'openssl is not installed: sudo pacman -Syu openssl'
readable "$certificate"
openssl x509 -noout -in "$certificate" 2> /dev/null || problem "$certificate holds no certificate in PEM"
readable "$key"
public=$(openssl pkey -pubout -passin pass: -in "$key" 2> /dev/null) || {
  if grep -q ENCRYPTED "$key"; then problem "$key is encrypted with a password"; fi
  problem "$key holds no private key in PEM"
}
[ "$public" = "$(openssl x509 -noout -pubkey -in "$certificate")" ] \
  || problem "$key is not the key of $certificate"
case $(stat -L -c %a "$key") in
  *[!0]) problem "$key can be read by everybody: chmod o= $key" ;;
esac
# All certificates of the file, each with its issuer's behind it.
chain=$(openssl crl2pkcs7 -nocrl -certfile "$certificate" 2> /dev/null | openssl pkcs7 -print_certs -noout 2> /dev/null) \
  || problem "$certificate holds something that is no certificate"
printf '%s\n' "$chain" | awk '
  /^subject=/ { if (issuer != "" && substr($0, 9) != issuer) exit 1 }
  /^issuer=/ { issuer = substr($0, 8) }
' || problem "$certificate has its certificates in another order than: its own, then each that issued the one before"
if [ "$ca" ]; then
  readable "$ca"
  openssl verify -no_check_time -purpose "$purpose" -CAfile "$ca" "$certificate" > /dev/null 2>&1 \
    || problem "$certificate is not of the CA in $ca"
  echo "ca_ends $(seconds -enddate "$ca")"
  echo "ca_fingerprint $(openssl x509 -noout -sha256 -fingerprint -in "$ca" | sed 's/.*=//')"
fi
echo "issuer $(field -issuer "$certificate")"
echo "begins $(seconds -startdate "$certificate")"
echo "ends $(seconds -enddate "$certificate")"
names=$(openssl x509 -noout -ext subjectAltName -in "$certificate" 2> /dev/null | sed -n '2s/^ *//p')
[ "$names" ] || problem "$certificate names no host in its subjectAltName, which clients need"
echo "names $names"
