#!/bin/sh
# Run the deploy on this machine, with the virtual environment $1, from the directory of the project. What
# it says goes to the journal, and into ../last.log.
set -u
umask 077
venv=$(realpath -m "$1") lock=$PWD/requirements/deploy.lock

# pacman may have brought another Python since, which does not see what was installed for the one before.
have_environment() {
  "$venv/bin/python" -BEsc 'import pyinfra_cli.main' 2> /dev/null || (
    cd voicemode_whisper/scripts || exit
    sh ./clean-shell.sh ./make-venv.sh /usr/bin/python3 "$venv" "$lock" 'the upgrade' \
      sh ./with-proxies.sh '' sh ./with-index.sh
  )
}
{
  have_environment 2>&1 && "$venv/bin/python" -BEs -m pyinfra -y ../inventory.py deploy.py 2>&1
  echo $? > ../status
} | tee ../last.log
exit "$(cat ../status)"
