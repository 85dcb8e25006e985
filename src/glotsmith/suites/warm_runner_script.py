"""Load ``runner_script.py`` and fork before it runs (``sandbox/fork_server``).

``function_runner.py`` sends both files to the sandbox as text; they are never imported. The argument, if there is one,
is the folder of the package ``coverage``, which is then loaded too.
"""

import builtins
import os
import sys

_FOLDER = os.path.dirname(os.path.abspath(__file__))


def _load_coverage(folder):
    sys.path.insert(0, folder)
    import coverage

    sys.path.pop(0)  # as in runner_script.py
    measured = coverage.Coverage(data_file=None, config_file=False)
    measured.start()  # loads the tracer
    measured.stop()


def _fork():
    os.environ["GLOTSMITH_FORK"] = "1"
    os.fork()
    for name in ("GLOTSMITH_FORK", "GLOTSMITH_FORK_SERVER", "LD_PRELOAD"):
        os.environ.pop(name, None)


if __name__ == "__main__":
    _PATH = os.path.join(_FOLDER, "runner_script.py")
    with open(_PATH, encoding="utf-8") as _file:
        _CODE = compile(_file.read(), _PATH, "exec", dont_inherit=True)
    _NAMES = {"__name__": "runner_script", "__file__": _PATH, "__builtins__": builtins}
    exec(_CODE, _NAMES)
    for _folder in sys.argv[1:]:
        _load_coverage(_folder)
    _fork()
    _NAMES["main"]()
    os._exit(0)  # the results are written, and an orderly end would copy most pages of the interpreter
