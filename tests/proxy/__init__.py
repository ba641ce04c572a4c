"""Tests of the proxy, on loopback, in front of a fake whisper-server."""
