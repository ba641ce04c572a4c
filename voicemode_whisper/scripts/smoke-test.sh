#!/bin/sh
# Let programs of the build $1 transcribe the recording $3 with the model $2. What they heard and
# logged goes into the file $4, for core/acceptance.py to judge, with the processor time that
# whisper-cli took, how much GPU memory whisper-server has, where the kernel tells at $5 (see
# gpu-memory.sh), and what the GPU draws once it has answered, where its directory among the PCI
# devices $6 tells. What is to be run follows: whisper-cli-cold, for the first time; whisper-cli;
# whisper-server, on a port of its own; whisper-cli-fa and whisper-cli-nfa, with and without flash
# attention.
set -u
# shellcheck source=voicemode_whisper/scripts/within.sh
. ./within.sh
build=$1 model=$2 sample=$3 result=$4 account=$5 gpu=$6
shift 6
heard="$result.heard" log="$result.err" used="$result.times" memory='' processor='' watts=''
trap 'rm -f "$heard" "$log" "$used"' EXIT
# As in the unit of whisper-server.
export OMP_WAIT_POLICY=passive

section() {
  printf '### %s %s\n' "$1" "$2"
  cat "$heard"
  [ -z "$processor" ] || printf '\n### processor %s' "$processor"
  [ -z "$watts" ] || printf '\n### watts %s' "$watts"
  [ -z "$memory" ] || printf '\n### memory %s' "$memory"
  printf '\n### log\n'
  cat "$log"
} >> "$result"

# Milliseconds between what `times` has said twice of the programs that were run: user and system.
milliseconds() {
  awk -F '[ms ]+' '
    NR % 2 == 0 { now = ($1 * 60 + $2 + $3 * 60 + $4) * 1000; taken = now - before; before = now }
    END { printf "%.0f", taken }
  ' "$used"
}

# Run whisper-cli with the flags $2..., for the section $1.
run_cli() {
  name=$1
  shift
  times > "$used"
  within 300 "$build/bin/whisper-cli" -nt -m "$model" -f "$sample" "$@" \
    > "$heard" 2> "$log" < /dev/null
  status=$?
  times >> "$used"
  processor=$(milliseconds)
  section "$name" "$status"
  processor=
}

# whisper.cpp v1.7 has no such flag: it does without, unless told otherwise.
run_without_flash_attention() {
  if "$build/bin/whisper-cli" --help 2>&1 | grep -q -e --no-flash-attn; then
    run_cli whisper-cli-nfa -nfa
  else
    run_cli whisper-cli-plain
  fi
}

free_port() {
  python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# Ask whisper-server, process $1, as soon as it answers below $2; give up when it ends.
ask() {
  until curl -q --noproxy '*' -fsS -o /dev/null --max-time 5 "$2/" 2> /dev/null; do
    kill -0 "$1" 2> /dev/null || return
    sleep 0.1
  done
  curl -q --noproxy '*' -sS -F "file=@$sample" -F response_format=text "$2/inference" > "$heard" 2>&1
}

# Bytes of GPU memory that the kernel accounts to the process $2, where $1 tells.
gpu_memory() (
  # shellcheck source=voicemode_whisper/scripts/gpu-memory.sh
  . ./gpu-memory.sh
)

gpu_power() (
  # shellcheck source=voicemode_whisper/scripts/gpu-power.sh
  . ./gpu-power.sh
)

# Watts of the GPU when it is at rest again, with the model loaded.
idle_watts() {
  gpu_power "$gpu" 3 | awk '$1 != "-" { printf "%.0f", $1 / 1000000 }'
}

run_server() {
  : > "$heard"
  port=$(free_port)
  # No web page is to guess it: a page could have the test fail.
  path=/$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  "$build/bin/whisper-server" --host 127.0.0.1 --port "$port" --request-path "$path" \
    -m "$model" > "$log" 2>&1 < /dev/null &
  pid=$!
  within 300 ask "$pid" "http://127.0.0.1:$port$path"
  asked=$?
  memory=$(gpu_memory "$account" "$pid")
  if [ "$asked" -ne 124 ] && kill -0 "$pid" 2> /dev/null; then
    watts=$(idle_watts)
  fi
  if kill "$pid" 2> /dev/null; then
    wait "$pid"
    status=$((asked == 124 ? asked : 0))
  else
    wait "$pid"
    status=$?
  fi
  section whisper-server "$status"
  memory='' watts=''
}

rm -f "$result"
for program; do
  case $program in
    whisper-cli-cold) echo "whisper-cli makes ready" && run_cli whisper-cli-cold ;;
    whisper-cli) echo "whisper-cli transcribes the sample" && run_cli whisper-cli ;;
    whisper-server) echo "whisper-server transcribes the sample" && run_server ;;
    whisper-cli-fa) echo "with flash attention" && run_cli whisper-cli-fa -fa ;;
    whisper-cli-nfa) echo "without flash attention" && run_without_flash_attention ;;
  esac
  # One that does not end is waited for once.
  [ "$status" -ne 124 ] || break
done
