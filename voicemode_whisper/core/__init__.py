"""What the deploy decides, as pure functions: nothing here reads a host, a file or a clock."""
