#!/bin/sh
# Have the pool's HAProxy do $@, each a command of its runtime API, and print what it answers. Where it
# does not run, as before a gateway's first deploy, there is nothing to do.
socket=/run/user/$(id -u)/voicemode-whisper-pool/runtime.sock
[ -S "$socket" ] || exit 0
exec /usr/bin/python3 -I -c '
import socket, sys
with socket.socket(socket.AF_UNIX) as balancer:
    balancer.settimeout(10)
    balancer.connect(sys.argv[1])
    balancer.sendall("; ".join(sys.argv[2:]).encode() + b"\n")
    while answer := balancer.recv(65536):
        sys.stdout.buffer.write(answer)
' "$socket" "$@"
