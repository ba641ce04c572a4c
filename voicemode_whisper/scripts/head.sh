#!/bin/sh
# Print the commit that is checked out in $1, if there is one, and if no deploy has left credentials
# in its configuration: see prepare-checkout.sh.
set -u
path=$1
origin=$(git -C "$path" config --local --get remote.origin.url 2> /dev/null)

case $(git -C "$path" config --local --get deploy.made 2> /dev/null):$origin in
  true:*://*@*) ;;
  *) git -C "$path" rev-parse --verify --quiet 'HEAD^{commit}' 2> /dev/null || true ;;
esac
