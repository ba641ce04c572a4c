"""The stages of a deploy, one a module; each can be used alone in a deploy of your own.

doctor.py, rollback.py and uninstall.py are no stages but deploys of their own: pyinfra runs the
files, or their functions. No module here imports another; what two of them need lies in
voicemode_whisper.
"""
