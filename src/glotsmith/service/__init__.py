"""``glotsmith serve``: programs and jobs over HTTP.

One file per group of endpoints, one line per file in the table of ``app.py``. Whatever runs programs is admitted first
(``admission.py``), reads its body by ``http.py``, and leaves when its client does.
"""
