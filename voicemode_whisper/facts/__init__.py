"""What a host is like: each fact reads one thing and decides nothing."""
