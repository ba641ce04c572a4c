#!/bin/sh
# Run $2... through the proxies that the user has set for what is not on this machine: in the environment
# (http_proxy, https_proxy, all_proxy, no_proxy, or in capitals), or for git and the URL $1, if there is
# one (http.proxy). Whatever does not run through this asks without a proxy.
#
# Proxies can have passwords, so they are on no command line.
set -u
# shellcheck source=voicemode_whisper/scripts/user-environment.sh
. ./user-environment.sh
url=$1
shift

# In the order of names capitals come first, and the small letters that follow have the last word.
proxies=$(of_user '(https?|all|no)_proxy|(HTTPS?|ALL|NO)_PROXY')
while IFS='=' read -r name value; do
  name=$(printf %s "$name" | tr '[:upper:]' '[:lower:]')
  [ -z "$name" ] || export "$name=$value"
done << END
$proxies
END

if [ -n "$url" ] && proxy=$(env -u GIT_CONFIG_GLOBAL -u GIT_CONFIG_SYSTEM -u GIT_CONFIG_COUNT \
  git config --get-urlmatch http.proxy "$url" 2> /dev/null); then
  export http_proxy="$proxy" https_proxy="$proxy" all_proxy="$proxy"
fi
exec "$@"
