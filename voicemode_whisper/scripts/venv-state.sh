#!/bin/sh
# Print what core/venv.py reads of the virtual environment $1, beside the system's Python $2.
#
# Its files are compared with the sums that make-venv.sh has left: some ten milliseconds.
set -u
cd "$1" 2> /dev/null || exit 0

[ -e .complete ] && complete=yes || complete=no
interpreter=$(readlink -m bin/python)
error='' damaged='' packages=''
if [ ! -e "$interpreter" ]; then
  version=''
elif version=$(bin/python -ISc 'import sys; print("%d.%d%s" % (*sys.version_info[:2], sys.abiflags))' 2>&1); then
  [ ! -s .complete ] || damaged=$(LC_ALL=C sha256sum --check --quiet .complete 2> /dev/null | sed -n '1s/: [^:]*$//p')
else
  error="$interpreter does not start: $(echo "$version" | grep . | tail -n 1 | cut -c 1-150)" version=''
fi
for directory in lib/python*/site-packages; do
  [ ! -d "$directory" ] || packages="$packages $(echo "$directory" | sed 's,^lib/python,,; s,/.*,,')"
done
printf '%s\n' "complete=$complete" "interpreter=$interpreter" "version=$version" "error=$error" \
  "packages=$packages" "damaged=$damaged" "system=$(readlink -m "$2")"
