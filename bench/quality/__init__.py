"""How well speech is transcribed: straight by whisper-server, and through the proxy."""
