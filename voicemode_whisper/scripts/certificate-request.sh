#!/bin/sh
# Print a request for a certificate with the common name $2, for the key $1, which is made where it is not
# there and stays on this machine. What the certificate is for, who signs says (sign-certificate.sh).
set -eu
# shellcheck source=voicemode_whisper/scripts/make-key.sh
. ./make-key.sh

mkdir -p "${1%/*}"
make_key "$1"
openssl req -new -key "$1" -subj "/CN=$2" -config /dev/fd/3 3<< 'CONFIG'
[req]
distinguished_name = subject
[subject]
CONFIG
