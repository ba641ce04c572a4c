#!/bin/sh
# Let the whisper-cli of the build $1 transcribe the recording $3 with the model $2, and fail
# unless it hears the sentence $4.
set -u
build=$1 model=$2 sample=$3 sentence=$4
log="$build/prove.log"

timeout 300 "$build/bin/whisper-cli" -nt -m "$model" -f "$sample" > "$log" 2>&1 < /dev/null
status=$?
tr -s '[:space:]' ' ' < "$log" | grep -qi "$sentence" && exit 0
echo "whisper.cpp: the new build does not transcribe its sample (exit status $status)," \
  "so the old one stays. Its last words:" >&2
tail -n 15 "$log" >&2
exit 1
