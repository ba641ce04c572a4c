#!/bin/sh
# To be read by others: which package of a lock file has no wheel for a Python, as pip's log tells.

# Print a line if that is why pip, whose log is $1, could not install with the Python $2; fail if it is
# not. Nothing is compiled, as that would run what no lock file names.
missing_wheel() {
  requirement=$(sed -n 's/.*No matching distribution found for \([^ ;]*==[^ ;]*\).*/\1/p' "$1" | tail -n 1)
  [ -n "$requirement" ] || return
  name=${requirement%%==*} version=${requirement#*==}
  file="$(echo "$name" | sed 's/[-_.][-_.]*/[-_.]/g')-$(echo "$version" | sed 's/[.]/[.]/g')[-.]"
  passed_over=$(grep -iE "(Skipping link|requires a different Python).*[/ ]$file" "$1") || return
  for_others=$(echo "$passed_over" | sed -nE 's/.*-cp3([0-9]+)-cp3.*/3.\1/p' | sort -uV | tr '\n' ' ')
  python=$("$2" -Ic 'import os, sys, sysconfig
print("Python %d.%d" % sys.version_info[:2], "(%s, %s)" % (os.path.realpath(sys.executable), sysconfig.get_config_var("SOABI")))')
  echo "$name $version has no wheel for $python${for_others:+, only for Python ${for_others% }}"
}
