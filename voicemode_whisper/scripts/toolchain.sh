#!/bin/sh
# Print the versions of the packages $@ that are installed, of the C++ compiler and of the
# processor, one a line. whisper.cpp is built for the processor that it is built on.
set -u

[ $# -eq 0 ] || pacman -Q "$@" 2> /dev/null
c++ --version 2> /dev/null | head -n 1
echo "cpu $(grep -m1 '^flags' /proc/cpuinfo | sha256sum | cut -c1-12)"
