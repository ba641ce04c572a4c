"""The health of a host: a check of each part of it, and what fixes that part where it failed."""
