"""Other people's client packages, and what puts them before the proxy."""
