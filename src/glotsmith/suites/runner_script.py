"""Runs a function on arguments inside the sandbox. One forked child makes many calls and writes one line a result.

``function_runner.py`` sends this file to the sandbox as text. It is never imported. It reads one JSON job from stdin::

    {"mark": "…", "batches": [{"source": "…", "name": "f", "calls": ["(1, 'a')"], "cpu_s": 1.0, "max_chars": 2000,
      "measure": "", "one_process_per_call": false, "expected": [], "body": [1, 3, 9], "unreachable": [],
      "coverage": "…"}]}

It prints ``MARK start``, then lines ``MARK BATCH CASE KIND PAYLOAD``, then ``MARK end``. The kinds are
``value LITERAL``, ``raised TEXT``, ``opaque TYPE``, ``large``, ``effect EVENT`` (it tried to reach outside its
process), ``stopped CAUSE``, ``skipped``, and ``arcs``, ``coverage`` and ``seconds`` (CPU time) for measurements. The
output of the function is discarded. A call that exits, loops or crashes affects only its own result. After ``DEATHS``
such calls the rest of a batch is skipped.
"""

# ruff: noqa: SIM905
import contextlib
import gc
import json
import math
import os
import resource
import select
import signal
import sys
import time

# The function may patch builtins: what is defined below looks names up in a copy of its own.
__builtins__ = dict(vars(__builtins__))
DEATHS = 6  # killed children, and calls out of time, after which the rest of a batch is skipped
EVENTS = 40_000  # line events of one traced call: a limit that does not depend on a clock
LOAD_S = 2.0  # CPU time for the imports and constants around the function
SILENCE_S = 10.0  # wall time without output from a child; far above its CPU limit
MEASURES = ("arcs ", "coverage ", "seconds ")
DEPTH, DIGITS = 30, 3000  # of nesting; bits of an integer
MEMORY = 768 << 20
DENIED = tuple(
    "open os. subprocess. socket. ctypes. shutil. tempfile. glob. pty. resource. mmap. sqlite3. urllib. http. ftplib. "
    "smtplib. imaplib. poplib. nntplib. telnetlib. webbrowser. syslog. fcntl. termios. signal. gc. sys.settrace "
    "sys.setprofile sys._current_frames sys._current_exceptions cpython. ".split()
)
READABLE = os.path.join(sys.base_prefix, "")
SUBJECT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "subject.py")
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_normpath, _getpid, _write, _exit = os.path.normpath, os.getpid, os.write, os._exit
_settrace, _setitimer, _cpu_s = sys.settrace, signal.setitimer, time.process_time
_name = type.__dict__["__name__"].__get__
sys.set_int_max_str_digits(0)  # as for a candidate (languages/python/driver.py)


class OutOfTime(BaseException):
    """The call used up its CPU time or line events."""


class Unfit(Exception):
    """The result has no literal. The argument is the rest of the output line."""


def literal(value, space, depth=0):
    """Write a value as a Python literal of at most ``space[0]`` characters, without calling its methods."""
    text = _scalar(value)
    if text is None:
        if depth > DEPTH:
            raise Unfit("opaque deep")
        text = _container(value, space, depth + 1)
    else:
        space[0] -= len(text)
    space[0] -= 2
    if space[0] < 0:
        raise Unfit("large")
    return text


def _scalar(value):
    if value is None or value is True or value is False:
        return repr(value)
    if isinstance(value, int):
        if int.bit_length(value) > DIGITS:
            raise Unfit("large")
        return int.__repr__(value)
    if isinstance(value, float):
        text = float.__repr__(value)
        return text if math.isfinite(value) else "float('" + text + "')"
    if isinstance(value, str):
        if str.__len__(value) > 100_000:
            raise Unfit("large")
        return ascii(str.__str__(value))
    return None


def _container(value, space, depth):
    if isinstance(value, list):
        return "[" + ", ".join([literal(x, space, depth) for x in list.__iter__(value)]) + "]"
    if isinstance(value, tuple):
        items = [literal(x, space, depth) for x in tuple.__iter__(value)]
        return "(" + ", ".join(items) + (",)" if len(items) == 1 else ")")
    if isinstance(value, dict):
        pairs = [literal(k, space, depth) + ": " + literal(v, space, depth) for k, v in dict.items(value)]
        return "{" + ", ".join(pairs) + "}"
    if type(value) in (set, frozenset):
        items = sorted([literal(x, space, depth) for x in value])
        return "{" + ", ".join(items) + "}" if items else "set()"
    raise Unfit("opaque " + _name(type(value)))


class Guard:
    """Refuses and records every access to files, processes or the network while the function runs."""

    def __init__(self, tracer):
        self.tracer = tracer
        self.armed, self.event = False, ""

    def __call__(self, event, args):
        if not self.armed or not event.startswith(DENIED) or _harmless(event, args):
            return
        if event == "sys.settrace" and self.tracer is not None and self.tracer.left < 0:
            return  # an exhausted tracer raises, and the interpreter then stops tracing by itself
        self.event = self.event or event
        raise PermissionError(event + " is not allowed here")


def _harmless(event, args):
    """Return whether an event belongs to the import of a module of the standard library."""
    if event in ("os.listdir", "os.scandir") or (event == "open" and not (args[2] or 0) & WRITING):
        return isinstance(args[0], str) and _normpath(args[0]).startswith(READABLE)
    return event in ("os.putenv", "os.unsetenv")


class Tracer:
    """Collects the arcs (from line, to line) of a call inside the function's body, and counts line events."""

    def __init__(self, batch):
        self.start, _, self.last = batch["body"]
        self.arcs, self.left = set(), EVENTS

    def __call__(self, frame, event, arg):
        if frame.f_code.co_filename != SUBJECT:
            return None
        start = frame.f_code.co_firstlineno
        return self._local(self.start <= start <= self.last, start)

    def _local(self, own, start):
        last = -start

        def local(frame, event, arg):
            nonlocal last
            if event == "line":
                self.left -= 1
                if self.left < 0:
                    raise OutOfTime
            if own and event in ("line", "return"):
                line = frame.f_lineno if event == "line" else -start
                self.arcs.add((last, line))
                last = line
            return local

        return local

    def begin(self):
        """Start to trace one call."""
        self.arcs, self.left = set(), EVENTS
        _settrace(self)


def _confine():
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    os.setsid()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


class Child:
    """Runs in the forked child: loads the source once, then runs the given calls."""

    def __init__(self, batch, cases, say):
        self.batch, self.cases, self.say = batch, cases, say
        self.tracer = Tracer(batch) if batch["measure"] == "arcs" else None
        self.guard = Guard(self.tracer)
        self.pid = _getpid()
        self.stops, self.seconds = 0, 0.0  # the latter: CPU time of the last call

    def run(self):
        """Load the source and run all calls."""
        _confine()
        signal.signal(signal.SIGPROF, self._out_of_time)
        cov = _start_coverage(self.batch) if self.batch["measure"] == "coverage" else None
        sys.addaudithook(self.guard)
        function, why = self._timed(self._load, LOAD_S)
        if why is not None:
            for case in self.cases:
                self.say(case, why)
            return
        for case in self.cases:
            if not self._case(case, function):
                break
        if cov is not None:
            self.say(0, "coverage " + _stop_coverage(cov, self.batch))

    def _load(self):
        names = {"__name__": "subject", "__builtins__": sys.modules["builtins"]}
        exec(compile(self.batch["source"], SUBJECT, "exec", dont_inherit=True), names)
        return names[self.batch["name"]]

    def _case(self, case, function):
        arguments = eval(self.batch["calls"][case], {"__builtins__": {}, "float": float, "set": set})
        result, why = self._timed(lambda: function(*arguments), self.batch["cpu_s"], trace=True)
        if why is None:
            why = self._written(result)
        if self.tracer is not None:
            self.say(case, "arcs " + " ".join([f"{a},{b}" for a, b in sorted(self.tracer.arcs)]))
        if self.batch["measure"] == "seconds":
            self.say(case, f"seconds {self.seconds:.6f}")
        self.say(case, why)
        self.stops += why == "stopped cpu"
        return self.stops < DEATHS and self.batch["expected"][case:][:1] in ([], [why.removeprefix("value ")])

    def _written(self, result):
        try:
            return "value " + literal(result, [self.batch["max_chars"]])
        except Unfit as error:
            return error.args[0]
        except BaseException as error:
            return "opaque " + _name(type(error))

    def _out_of_time(self, number, frame):
        if self.guard.armed:
            raise OutOfTime

    def _timed(self, action, limit, trace=False):
        """Return (result, None), or (None, the reason why there is no result)."""
        self.guard.event, result, why = "", None, None
        _setitimer(signal.ITIMER_VIRTUAL, 1.5 * limit + 0.1)  # kills also a loop in C
        try:
            _setitimer(signal.ITIMER_PROF, limit, 0.05)
            if trace and self.tracer is not None:
                self.tracer.begin()
            self.guard.armed = True
            begun = _cpu_s()
            result = action()
            self.seconds = _cpu_s() - begun
        except OutOfTime:
            why = "stopped cpu"
        except BaseException as error:
            why = "raised " + _described(error)
        finally:
            self.guard.armed = False
            if self.tracer is not None:
                _settrace(None)
            _setitimer(signal.ITIMER_PROF, 0)
            _setitimer(signal.ITIMER_VIRTUAL, 0)
            if _getpid() != self.pid:
                _exit(0)
        if self.guard.event and why != "stopped cpu":
            why = "effect " + self.guard.event
        return result, why


def _described(error):
    """Format an exception without calling its methods."""
    text = next((a for a in BaseException.args.__get__(error) if isinstance(a, str)), "")
    return ascii((_name(type(error)) + ": " + str.__str__(text))[:200])[1:-1]


def _start_coverage(batch):
    sys.path.insert(0, batch["coverage"])
    coverage = __import__("coverage")
    sys.path.pop(0)  # the imports of the function do not search this folder, which the guard may refuse to list
    cov = coverage.Coverage(data_file=None, branch=True, include=[SUBJECT], config_file=False, messages=False)
    cov.clear_exclude()
    cov.start()
    return cov


def _stop_coverage(cov, batch):
    """Return lines, lines hit, branches, branches taken of the function's own body."""
    cov.stop()
    _, first, last = batch["body"]
    path = os.path.join(os.environ["TMPDIR"], "coverage.json")
    cov.json_report(outfile=path)
    with open(path, encoding="utf-8") as file:
        [found] = json.load(file)["files"].values()
    wanted = set(range(first, last + 1)) - set(batch["unreachable"])
    hit, missed = (sum(n in wanted for n in found[key]) for key in ("executed_lines", "missing_lines"))
    taken, left = (
        sum(start in wanted and (end <= 0 or end in wanted) for start, end in found[key])
        for key in ("executed_branches", "missing_branches")
    )
    return " ".join(map(str, (hit + missed, hit, taken + left, taken)))


def run_child(mark, batch, cases):
    """Fork a child for ``cases``; return its lines as (case, rest), and how it ended ("" if it exited normally)."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        _child(mark, batch, cases, writer)
    os.close(writer)
    data, silent = _read(reader, (mark + " end \n").encode())
    os.close(reader)
    status = _reap(pid, 0 if silent else 100)
    lines, whole = _parse(mark, data, cases)
    return lines, "" if whole else _ending(status, silent)


def _child(mark, batch, cases, writer):
    def say(case, rest, end="\n"):
        data = (mark + " " + str(case) + " " + rest + end).encode("ascii", "backslashreplace")
        while data:
            data = data[_write(writer, data) :]

    try:
        Child(batch, cases, say).run()
        say("end", "")
    finally:
        _exit(0)


def _read(reader, last):
    """Read until the child closes its pipe, exits, or is silent too long (then the second result is true)."""
    data = bytearray()
    while len(data) < 16 << 20 and select.select([reader], [], [], SILENCE_S)[0]:
        piece = os.read(reader, 1 << 16)
        data += piece
        if not piece or data.endswith(last):
            return bytes(data), False
    return bytes(data), True


def _reap(pid, patience):
    """Wait a short time for a child to exit, kill it if it does not, and return its status."""
    ended, status = os.waitpid(pid, os.WNOHANG)
    while not ended and patience > 0:
        time.sleep(0.002)
        patience -= 1
        ended, status = os.waitpid(pid, os.WNOHANG)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    return status if ended else os.waitpid(pid, 0)[1]


def _parse(mark, data, cases):
    """Parse the lines of a child. A malformed line was written by the function, so all lines are then rejected."""
    found, expected = [], set(map(str, cases))
    lines = data.decode("ascii", "replace").split("\n")
    whole = len(lines) > 1 and lines[-2] == mark + " end " and not lines[-1]
    for line in lines[: -2 if whole else -1]:
        head, _, rest = line.partition(" ")
        case, _, what = rest.partition(" ")
        if head != mark or case not in expected:
            return [], False
        found.append((int(case), what))
    answered = [case for case, what in found if not what.startswith(MEASURES)]
    return (found, whole) if len(answered) == len(set(answered)) else ([], False)


def _ending(status, silent):
    if silent:
        return "stopped wall"
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        return "stopped cpu" if number in (signal.SIGVTALRM, signal.SIGXCPU) else f"stopped signal {number}"
    return f"stopped exit {os.WEXITSTATUS(status)}"


def run_batch(mark, batch, say):
    """Run all calls of a batch. A new child starts only where the last one died or must not be shared."""
    todo, deaths = list(range(len(batch["calls"]))), 0
    while todo and deaths < DEATHS:
        group = todo[:1] if batch["one_process_per_call"] else todo
        lines, ending = run_child(mark, batch, group)
        left = [case for case in group if case not in {c for c, what in lines if not what.startswith(MEASURES)}]
        if ending and left:
            lines.append((left.pop(0), ending))
        for case, what in lines:
            say(case, what)
            deaths += DEATHS / 2 if what == "stopped wall" else what.startswith("stopped ")
        if batch["expected"]:
            return
        todo = left + todo[len(group) :]
    for case in todo:
        say(case, "skipped")


def main():
    """Run the job on stdin."""
    job = json.loads(sys.stdin.buffer.read())
    mark, out = job["mark"], sys.stdout
    gc.disable()
    print(mark, "start", file=out, flush=True)
    for number, batch in enumerate(job["batches"]):
        run_batch(mark, batch, lambda case, what, number=number: print(mark, number, case, what, file=out))
        out.flush()
    print(mark, "end", file=out, flush=True)


if __name__ == "__main__":
    main()
