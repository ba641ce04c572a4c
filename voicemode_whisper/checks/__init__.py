"""What the doctor asks a host, a topic a module, as core/health has the rows; it changes nothing.

No topic imports another: what several of them need is asked once, in examination.py.
"""
