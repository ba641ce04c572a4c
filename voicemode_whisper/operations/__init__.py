"""How a host is changed: each operation compares with the facts and yields only what is missing."""
