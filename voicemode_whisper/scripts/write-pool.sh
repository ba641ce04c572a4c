#!/bin/sh
# Have the setup $2 in $1: links to the proxy $3 and the virtual environment $4, which lie beside it, and
# files with their texts: NAME TEXT... It appears when systemd and HAProxy would take it.
set -eu
# shellcheck source=voicemode_whisper/scripts/check-units.sh
. ./check-units.sh
cd "$1"
setup=$2 new=$2.new
rm -rf "$new"
mkdir -p "$new/units"
ln -s "../$3" "$new/proxy"
ln -s "../$4" "$new/venv"
shift 4
while [ $# -gt 0 ]; do
  (umask 077 && printf %s "$2" > "$new/$1")
  shift 2
done
check_units "$new"
said=$(haproxy -c -f "$new/haproxy.cfg" 2>&1) || {
  echo "HAProxy refuses its configuration: $(echo "$said" | grep -m 1 ALERT || echo "$said" | tail -n 1)" >&2
  exit 1
}
sync -f "$new"
rm -rf "$setup"
mv -T "$new" "$setup"
