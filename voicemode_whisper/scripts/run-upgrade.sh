#!/bin/sh
# Run the deploy on this machine, with the virtual environment $1, from the directory of the project. What
# it says goes to the journal, and into ../last.log.
set -u
umask 077
{
  "$1/bin/python" -BEs -m pyinfra -y ../inventory.py deploy.py 2>&1
  echo $? > ../status
} | tee ../last.log
exit "$(cat ../status)"
