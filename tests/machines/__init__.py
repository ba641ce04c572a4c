"""Tests of the whole deploy, on real machines: see tests/boxes."""
