"""Show what a command does: a live panel in a terminal, else plain lines or JSON events.

``state.py`` holds the counts, ``panel.py``, ``plain_lines.py`` and ``json_events.py`` show them, and ``display.py``
chooses one of these. ``run_progress.py`` and ``training_progress.py`` fill the state from a run and a training.
"""
