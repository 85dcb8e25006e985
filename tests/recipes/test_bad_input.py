"""A hostile corpus: the run ends, each of its functions is a drop with its reason, and nothing escapes the sandbox."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from whole_program import PATIENCE_S, adopting_orphans, log_text, no_process_remains, start

pytestmark = pytest.mark.slow

# ``os``, ``sys`` and ``socket`` cannot be imported, so the functions that are run come in by the back door.
OS = "dataclasses.inspect.os"
SYS = "dataclasses.sys"
SLEEP = f"{OS}.execvp('sleep', ['sleep', '600'])"
SOCKET = "dataclasses.inspect.importlib.import_module('socket')"
#: Finds the runner script in the frames below and switches off what forbids reaching for the machine.
DISARM = """frame = dataclasses.sys._getframe()
while frame:
    below = frame.f_locals.get('self')
    if hasattr(below, 'guard'):
        below.guard.armed = False
    frame = frame.f_back"""
EXAMPLES = "\n".join(f">>> NAME({n})\n{n + 1}" for n in range(1, 8))

#: name → (statements, the step that drops it, its reason, what its detail says)
HOSTILE: dict[str, tuple[str, str, str, str]] = {
    # refused by its text
    "imports_os": ("import os\nos._exit(x)\nreturn x", "filter", "imports", "imports: os"),
    "imports_socket": (
        "import socket\nreturn socket.socket().connect_ex(('127.0.0.1', x))",
        "filter",
        "imports",
        "imports: socket",
    ),
    "opens_passwd": ("return open('/etc/passwd').read()[x:]", "filter", "not_standalone", "uses: open"),
    "evaluates": ("y = eval('x')\nreturn y + 1", "filter", "not_standalone", "uses: eval"),
    "imports_by_name": ("m = __import__('os')\nreturn m.getpid()", "filter", "not_standalone", "uses: __import__"),
    # refused by running it
    "loops": ("while x == x:\n    x += 1\nreturn x", "write_tests", "no_tests", "stopped cpu"),
    "recurses": ("y = recurses(x + 1)\nreturn y + 1", "write_tests", "no_tests", ""),
    "exits": (f"y = {SYS}.exit(0)\nreturn y", "write_tests", "no_tests", "SystemExit"),
    "exits_at_once": (f"y = {OS}._exit(0)\nreturn y", "write_tests", "no_tests", "stopped exit"),
    "forks": (
        f"for _ in range(20):\n    if {OS}.fork() == 0:\n        {SLEEP}\nreturn x + 1",
        "write_tests",
        "no_tests",
        "effect os.fork",
    ),
    "reads_passwd": (
        f"return {OS}.popen('cat /etc/shadow /root/.bashrc').read() + 1",
        "write_tests",
        "no_tests",
        "effect",
    ),
    "reads_the_host": (f"return {OS}.stat('HOST/secret').st_size + x", "write_tests", "no_tests", "FileNotFoundError"),
    "connects": (
        f"s = {SOCKET}.create_connection(('127.0.0.1', PORT))\nreturn x + 1",
        "write_tests",
        "no_tests",
        "effect socket",
    ),
    "allocates": ("zeros = [0] * 10 ** 9\nreturn len(zeros) + x", "write_tests", "no_tests", "MemoryError"),
    "writes_to_the_host": (f"{OS}.mkdir('HOST/made')\nreturn x + 1", "write_tests", "no_tests", "effect os.mkdir"),
    "deletes": (f"{OS}.unlink('HOST/secret')\nreturn x + 1", "write_tests", "no_tests", "effect os.remove"),
    "kills_its_parent": (f"{OS}.kill({OS}.getppid(), 9)\nreturn x + 1", "write_tests", "no_tests", "effect os.kill"),
    "forges": (
        "for i in range(99):\n    print('MARK 0', i, 'value 5')\n"
        f"{OS}.write(1, b'MARK start\\nMARK 0 0 value 5\\n')\n{OS}._exit(0)\nreturn 5 + x",
        "write_tests",
        "no_tests",
        "stopped exit",
    ),
    "random_value": ("y = statistics.random.random()\nreturn y + x", "validate", "nondeterministic", "it returned"),
    "time_value": ("y = statistics.random._os.times()[4]\nreturn x + y", "validate", "nondeterministic", "it returned"),
    "id_value": (
        "y = object.__hash__(object())\nreturn str(object())[10:] + str(x)",
        "validate",
        "nondeterministic",
        "it returned",
    ),
    "hash_value": ("y = hash('a' * x)\nreturn y + 1", "validate", "nondeterministic", "it returned"),
    "says_nothing_new": ("if x > 3:\n    return 1\nreturn 1", "validate", "one_expected_value", ""),
    # the same with the runner script's own guard switched off: only the sandbox is left
    "unguarded_forks": (
        f"{DISARM}\nfor _ in range(20):\n    if {OS}.fork() == 0:\n        {SLEEP}\nreturn x + 1",
        "write_tests",
        "no_tests",
        "stopped processes",
    ),
    "unguarded_reads": (
        f"{DISARM}\npaths = ('/etc/shadow', '/etc/gshadow', 'HOST', 'HOST/secret')\n"
        f"if [p for p in paths if {OS}.path.exists(p)]:\n    return 'escaped' * x\n"
        f"if b'daemon' in {OS}.read({OS}.open('/etc/passwd', 0), 9999):\n    return 'escaped' * x\nraise LookupError",
        "write_tests",
        "no_tests",
        "LookupError",
    ),
    "unguarded_shadow": (
        f"{DISARM}\ny = {OS}.open('/etc/shadow', 0)\nreturn {OS}.read(y, 99)[0] + x",
        "write_tests",
        "no_tests",
        "FileNotFoundError",
    ),
    "unguarded_writes": (
        f"{DISARM}\nfor path in ('HOST/made', '/made', '/etc/made', '/usr/made', '/dev/made', '/proc/sys/made'):\n"
        f"    try:\n        {OS}.close({OS}.open(path, 65))\n        return 'escaped' * x\n"
        "    except OSError:\n        continue\nraise LookupError",
        "write_tests",
        "no_tests",
        "LookupError",
    ),
    "unguarded_deletes": (
        f"{DISARM}\ny = {OS}.unlink('HOST/secret')\nreturn x + 1",
        "write_tests",
        "no_tests",
        "FileNotFoundError",
    ),
    "unguarded_connects": (
        f"{DISARM}\ns = {SOCKET}.create_connection(('127.0.0.1', PORT))\nreturn x + 1",
        "write_tests",
        "no_tests",
        "Error",
    ),
    "unguarded_kills": (f"{DISARM}\n{OS}.kill({OS}.getppid(), 9)\nreturn x + 1", "write_tests", "no_tests", "stopped"),
}

HONEST = '''
def sign(x):
    """Tell the sign.

    >>> sign(5)
    1
    >>> sign(-2)
    -1
    >>> sign(0)
    0
    """
    if x > 0:
        return 1
    if x < 0:
        return -1
    return 0


def triangle(n):
    """Add up 1 to n.

    >>> triangle(4)
    10
    >>> triangle(0)
    0
    >>> triangle(1)
    1
    """
    result = 0
    for i in range(1, n + 1):
        result += i
    return result
'''

#: file → (content, reason)
FILES: dict[str, tuple[bytes, str]] = {
    "broken.py": (b"def f(:\n    return 1\n", "syntax_error"),
    "python2.py": (b"print 'hello'\n", "syntax_error"),
    "latin.py": (b'def f(x):\n    """\xe9t\xe9."""\n    return x\n', "unreadable"),
    "utf16.py": ("def f(x):\n    return x\n".encode("utf-16"), "unreadable"),
    "nul.py": (b'def f(x):\n    """Nul."""\n    return "\x00"\n', "syntax_error"),
    "large.py": (b"# " + b"x" * 50_000_000 + b"\n", "too_large"),
    "deep.py": (b"x = " + b"(" * 5000 + b"1" + b")" * 5000 + b"\n", "too_deep"),
    "deep_blocks.py": (b"".join(b" " * n + b"if 1:\n" for n in range(150)) + b" " * 150 + b"pass\n", "too_deep"),
    "long_sum.py": (b"x = " + b"1+" * 100_000 + b"1\n", "too_deep"),
    "minus.py": (b"x = " + b"-" * 200_000 + b"1\n", "too_deep"),
}


def hostile(name: str, host: Path, port: int) -> str:
    """Return one hostile function with its module's imports."""
    body = HOSTILE[name][0].replace("HOST", str(host)).replace("PORT", str(port))
    lines = [f'"""Do something.\n\n{EXAMPLES.replace("NAME", name)}\n"""', body]
    indented = "\n".join(f"    {line}" if line else "" for line in "\n".join(lines).split("\n"))
    return f"import dataclasses\nimport statistics\n\n\ndef {name}(x):\n{indented}\n"


@pytest.fixture(scope="module")
def listener() -> Iterator[socket.socket]:
    """A port of this machine that nobody may reach."""
    with socket.create_server(("127.0.0.1", 0)) as made:
        made.setblocking(False)
        yield made


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the host's that holds one file, and holds it afterwards."""
    folder = tmp_path_factory.mktemp("host")
    folder.chmod(0o777)
    (folder / "secret").write_text("secret")
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, host: Path, listener: socket.socket) -> Iterator[Path]:
    """The finished run over the whole corpus."""
    folder = tmp_path_factory.mktemp("bad")
    source = folder / "src"
    source.mkdir()
    for name, (content, _) in FILES.items():
        (source / name).write_bytes(content)
    (source / "empty.py").touch()
    (source / "honest.py").write_text(HONEST)
    for name in HOSTILE:
        (source / f"x_{name}.py").write_text(hostile(name, host, listener.getsockname()[1]))
    with adopting_orphans():
        process = start(
            folder,
            *("run", "multipl-t", "-s", "src", "-l", "lua", "-o", "run"),
            *("--set", "imports=true", "--set", "typecheck=false"),
        )
        assert process.wait(PATIENCE_S) == 0, log_text(folder)
        assert no_process_remains()
    assert not left_by(process.pid), "a sandbox's folder was left behind"
    yield folder / "run"


def left_by(pid: int) -> list[Path]:
    """The folders of a process, which has its number in their names."""
    return [p for parent in ("/dev/shm", "/tmp") for p in Path(parent).glob(f"glotsmith-*-{pid}-*")]


def show(run: Path, *options: str) -> list[dict[str, Any]]:
    argv = [sys.executable, "-m", "glotsmith", "show", str(run), *options, "--json", "-n", "100000"]
    lines = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def drops(run: Path) -> dict[str, tuple[str, str, str]]:
    """File → step, reason and detail of what was dropped in it."""
    found: dict[str, tuple[str, str, str]] = {}
    for row in show(run, "--dropped"):
        if row["status"] == "dropped":
            item = row["item"] or {}
            function = item.get("function", item)
            name = f"x_{function['name']}.py" if "name" in function else row["key"]
            found[name] = (row["step"], row["reason"], row["detail"])
    return found


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_cannot_be_used_is_a_drop(drops: dict[str, tuple[str, str, str]], name: str) -> None:
    reasons = [(step, reason) for key, (step, reason, _) in drops.items() if key == f"src:{name}"]
    assert reasons == [("sources", FILES[name][1])]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_function_is_a_drop(drops: dict[str, tuple[str, str, str]], name: str) -> None:
    _, step, reason, detail = HOSTILE[name]
    found = drops[f"x_{name}.py"]
    assert found[:2] == (step, reason), found
    assert detail in found[2]


def test_honest_functions_are_kept(run: Path) -> None:
    kept = {row["item"]["name"] for row in show(run, "--step", "dataset")}
    assert kept == {"sign", "triangle"}
    rows = (run / "dataset" / "jsonl" / "data" / "lua" / "train.jsonl").read_text().splitlines()
    assert {json.loads(row)["name"] for row in rows} == kept


def test_every_step_accounts_for_its_input(run: Path) -> None:
    from glotsmith.run_folder import RunFolder

    with RunFolder.open(run) as folder:
        funnel = folder.ledger.funnel()
    assert funnel[0].taken == len(FILES) + len(HOSTILE) + 2
    for row in funnel:
        assert row.taken == row.kept + row.dropped
        assert sum(row.reasons.values()) == row.dropped
    for before, after in pairwise(funnel):
        assert after.taken == before.made


def test_nothing_escaped(run: Path, host: Path, listener: socket.socket) -> None:
    assert [p.name for p in host.iterdir()] == ["secret"]
    assert (host / "secret").read_text() == "secret"
    with pytest.raises(BlockingIOError):
        listener.accept()
    text = b"".join(p.read_bytes() for p in run.rglob("*") if p.is_file())
    assert b"root:x:0" not in text
