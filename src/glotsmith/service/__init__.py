"""The HTTP service of ``glotsmith serve``, which runs programs and verifies jobs.

Each group of endpoints is a module, with a line in the table of ``app.py``. Endpoints that run programs first admit
the request (``admission.py``), read its body (``request_handling.py``), and stop if the client disconnects.
"""
