"""What operations share, and is no operation itself."""
