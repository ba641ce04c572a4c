#!/bin/sh
# Run $@ with the user name and the password, or token, that are two lines of standard input, in its
# environment, which only this user can read. Nobody else is asked for them.
set -u
IFS= read -r DEPLOY_USERNAME
IFS= read -r DEPLOY_PASSWORD
export DEPLOY_USERNAME DEPLOY_PASSWORD GIT_ASKPASS='' GIT_TERMINAL_PROMPT=0
exec "$@"
