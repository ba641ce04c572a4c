#!/bin/sh
# Let both programs of the build $1 transcribe the recording $3 with the model $2, whisper-server on
# a port of its own. What they heard and logged goes into $1/gate.log, for core/gate.py to judge.
set -u
build=$1 model=$2 sample=$3
result="$build/gate.log" heard="$build/gate.heard" log="$build/gate.err"
trap 'rm -f "$heard" "$log"' EXIT

section() {
  printf '### %s %s\n' "$1" "$2"
  cat "$heard"
  printf '\n### log\n'
  cat "$log"
} >> "$result"

free_port() {
  python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# Ask whisper-server, process $1, as soon as it answers at $2; give up when it ends.
ask() {
  until curl -fsS -o /dev/null --max-time 5 "$2" 2> /dev/null; do
    kill -0 "$1" 2> /dev/null || return
    sleep 0.1
  done
  curl -sS --max-time 300 -F "file=@$sample" -F response_format=text "$2/inference" > "$heard" 2>&1
}

rm -f "$result"
echo "whisper-cli transcribes the sample"
timeout 300 "$build/bin/whisper-cli" -nt -m "$model" -f "$sample" \
  > "$heard" 2> "$log" < /dev/null
section whisper-cli $?

echo "whisper-server transcribes the sample"
: > "$heard"
port=$(free_port)
timeout 300 "$build/bin/whisper-server" --host 127.0.0.1 --port "$port" -m "$model" \
  > "$log" 2>&1 < /dev/null &
pid=$!
ask "$pid" "http://127.0.0.1:$port"
if kill "$pid" 2> /dev/null; then
  status=0
  wait "$pid"
else
  wait "$pid"
  status=$?
fi
section whisper-server "$status"
