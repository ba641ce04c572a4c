#!/bin/sh
# For pacman.sh: what pacman's words in the file $said, in English, mean, and what to do. $targets
# are the packages that it was asked for.
# shellcheck disable=SC2154
UNTRUSTED='signature from ".*" is|[Kk]ey ".*" (is|could)|PGP signature|required (signature|key)|keyring is not'
DAMAGED='is corrupted \(invalid or corrupted package'
NO_DATABASE='could not open file (.*\.db): Unrecognized archive format'

# Whether a line matches the expression $1.
says() { grep -qE "$1" "$said"; }
# What the group $2 of the expression $1, which is a whole line, is in the last line that matches.
words() { sed -nE "s/^$1$/\\$2/p" "$said" | tail -n 1; }

free_room() {
  echo "$(df -B1000000 --output=avail /var/cache/pacman/pkg | tail -n 1 | tr -d ' ') MB are free for" \
    "/var/cache/pacman/pkg, and $(df -B1000000 --output=avail / | tail -n 1 | tr -d ' ') MB on /"
}

keyrings() {
  found=$(pacman -Qq 2> /dev/null | grep -e '-keyring$' | tr '\n' ' ')
  echo "${found:-archlinux-keyring }"
}

in_the_way() {
  expression='(.*): (\/.*) exists in filesystem( \(owned by (.*)\))?'
  path=$(words "$expression" 2) owner=$(words "$expression" 4)
  more=$(($(grep -c 'exists in filesystem' "$said") - 1))
  [ "$more" -eq 0 ] && others= || others=" (and $more more)"
  echo "$path is in the way of $(words "$expression" 1)$others: it belongs to ${owner:-no package};" \
    "move it aside, and run again"
}

not_retrieved() {
  expression="error: failed retrieving file '(.*)' from ([^ ]*) : (.*)"
  reason=$(words "$expression" 3)
  case $reason in
    *404*) hint="the mirror is behind, or in the middle of an update: run again in an hour, or choose" ;;
    *407*) hint="the proxy wants a user name and a password" ;;
    *resolve*) hint="is the network up? otherwise choose" ;;
    *) hint="run again, or choose" ;;
  esac
  case $hint in *choose) hint="$hint another in /etc/pacman.d" ;; esac
  echo "cannot get $(words "$expression" 1) from $(words "$expression" 2) ($reason): $hint"
}

# The hook that failed, and the last that it said.
failed_hook() {
  hook=$(grep -B 2 '^error: command failed to execute correctly' "$said" | head -n 2 | grep -v '^::')
  echo "$hook" | sed 's/\.\.\.$/:/' | tr '\n' ' ' | sed 's/[ :]*$//'
}

pacman_error() {
  if says "$UNTRUSTED"; then
    echo "$(grep -m 1 -E "$UNTRUSTED" "$said" | sed 's/^error: //'): the keyring is older than the" \
      "packages, or the clock is wrong ($(date -u '+%Y-%m-%d %H:%M') UTC);" \
      "sudo pacman -Sy --needed $(keyrings)and run again"
  elif says "$NO_DATABASE"; then
    echo "the mirror of $(basename "$(words "error: $NO_DATABASE" 1)" .db) answers with something" \
      "else, such as a web page: is a login page or a proxy in the way?"
  elif says 'target not found'; then
    echo "no repository has $(words 'error: target not found: (.*)' 1): it was renamed or removed," \
      "or /etc/pacman.conf lacks a repository"
  elif says 'exists in filesystem'; then
    in_the_way
  elif says '^:: .* are in conflict'; then
    echo "$(words ':: (.* and .* are in conflict).*' 1), and which of them stays is for you to say:" \
      "sudo pacman -Syu $targets, answer its questions, and run again"
  elif says 'unable to satisfy dependency'; then
    echo "$(words ':: (unable to satisfy dependency .*)' 1), which no repository has, or IgnorePkg in" \
      "/etc/pacman.conf holds back: sudo pacman -Syu $targets shows it"
  elif says 'too full|not enough free disk space|Failure writing output|No space left'; then
    echo "there is no room: $(free_room); sudo pacman -Scc empties it, then run again"
  elif says 'failed to run transaction hooks'; then
    echo "nothing was installed, as a hook of pacman's refuses: $(failed_hook)"
  elif says "$DAMAGED"; then
    echo "$(words ":: File (.*) $DAMAGED.*" 1) came damaged twice: the mirror has another file than its" \
      "database says, or a web page is in the way; choose another in /etc/pacman.d"
  elif says 'failed retrieving file'; then
    not_retrieved
  else
    echo "pacman failed: $(grep '^error: ' "$said" | tail -n 1 | sed 's/^error: //')"
  fi
}
