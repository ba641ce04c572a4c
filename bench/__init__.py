"""What the proxy costs, beside the proxy that it replaces and nginx: `python -m bench`."""
