"""The stages of a deploy, one a module; each can be used alone in a deploy of your own.

doctor.py, rollback.py and uninstall.py are no stages but deploys of their own, to be given to
pyinfra.
"""
