#!/bin/sh
# For scripts that run curl: what it got, and why it failed.

# The last header $1 in the file $2, in lower case; more than one came if the server redirected.
header() { tr -d '\r' < "$2" | tr '[:upper:]' '[:lower:]' | sed -n "s/^$1: *//p" | tail -n 1; }
# The status of the last answer in the file $1.
http_status() { tr -d '\r' < "$1" | sed -n 's/^HTTP\/[0-9.]* \([0-9]*\).*/\1/p' | tail -n 1; }
is_page() { case $(header content-type "$1") in text/html* | application/xhtml*) ;; *) false ;; esac; }

# One line for curl's exit status $1, of the files with its standard error, $2, and the headers, $3.
curl_error() {
  said=$(sed -n 's/^curl: ([0-9]*) //p' "$2" | head -n 1)
  page=
  is_page "$3" && page=" with a web page (text/html): is a login page or a proxy in the way?"
  case $1:$(http_status "$3"):$said in
    *:407:* | *"code 407"* | *"response 407"*)
      echo "the proxy wants a user name and a password (407)"
      ;;
    22:401:*) echo "it wants credentials, or others than those that the URL has (401)" ;;
    22:404:* | 22:410:*) echo "it has nothing there ($(http_status "$3"))" ;;
    0:* | 22:*) echo "it answered $(http_status "$3")$page" ;;
    *"not yet valid"* | *"has expired"*)
      echo "$said; this machine's clock says $(date -u '+%Y-%m-%d %H:%M') UTC: is that right?"
      ;;
    *) echo "${said:-curl ended with $1}" ;;
  esac
}
