#!/bin/sh
# Sign the request on standard input with the private CA in the directory $1, and print the certificate: for
# the names $3 (a subjectAltName of x509v3_config(5)), for the use $4 (extendedKeyUsage), for $5 days. The
# CA, ca.pem and ca.key, is made with the common name $2 where it is not there.
set -eu
# shellcheck source=voicemode_whisper/scripts/make-key.sh
. ./make-key.sh

ca=$1/ca.pem key=$1/ca.key
CA_DAYS=3650

# Of 127 random bits, which are a positive number.
serial() {
  echo "0x0$(openssl rand -hex 16 | cut -c 2-)"
}

# One whose key is not there any more can sign nothing: a new one takes its place.
has_ca() {
  [ -s "$ca" ] && [ -s "$key" ] \
    && [ "$(openssl x509 -noout -pubkey -in "$ca")" = "$(openssl pkey -pubout -in "$key")" ]
}

make_ca() {
  mkdir -p "${ca%/*}"
  make_key "$key"
  openssl req -x509 -new -key "$key" -subj "/CN=$1" -days "$CA_DAYS" -set_serial "$(serial)" \
    -config /dev/fd/3 -extensions ca -out "$ca.new" 3<< 'CONFIG'
[req]
distinguished_name = subject
[subject]
[ca]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
CONFIG
  sync "$ca.new"
  mv -f "$ca.new" "$ca"
}

# sign NAMES USAGE DAYS: what is given to it on standard input.
sign() {
  openssl x509 -req -CA "$ca" -CAkey "$key" -days "$3" -set_serial "$(serial)" \
    -extfile /dev/fd/3 3<< CONFIG
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = $2
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = $1
CONFIG
}

request=$(cat)
# Of a pool's members several may ask at once, and there is one CA.
mkdir -p "$1"
exec 9< "$1"
flock 9
[ "$request" ] || {
  echo 'certificate: there is no request to sign' >&2
  exit 1
}
has_ca 2> /dev/null || make_ca "$2"
# openssl talks on standard error where all is well, too.
{
  said=$(printf '%s\n' "$request" | sign "$3" "$4" "$5" 2>&1 >&4) || {
    echo "$said" >&2
    exit 1
  }
} 4>&1
