"""Fork server (zygote): isolates each warm program in a process that is forked from a loaded interpreter.

``fork_server.c`` runs in a sandbox together with the interpreter; it forks the programs and sets up their namespaces,
limits and system call filter. ``server.py`` compiles and starts it, ``pool.py`` keeps one for each warm interpreter (a
worker pool), and ``process.py`` sends it one program and follows that program to its end.
"""
