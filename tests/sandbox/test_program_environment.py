"""What a program sees: prefixes, environment, command and files."""

from pathlib import Path

import pytest

from glotsmith.records import Program
from glotsmith.sandbox.program_environment import command, environment, toolchain_prefixes, write_files


@pytest.mark.parametrize(
    ("read_only", "expected"),
    [
        ((), []),
        (("/usr", "/usr/local", "/bin/"), []),  # visible by default
        (("/opt", "/opt/"), ["/opt"]),
        (("/var/lib", "/opt", "/var"), ["/opt", "/var", "/var/lib"]),  # the outer one first
    ],
)
def test_prefixes(read_only: tuple[str, ...], expected: list[str]):
    assert toolchain_prefixes(Program(files={}, argv=("x",), read_only=read_only)) == expected


@pytest.mark.parametrize(
    ("prefix", "error"), [("/", ValueError), ("//", ValueError), ("opt", ValueError), ("/no/such", FileNotFoundError)]
)
def test_prefixes_rejected(prefix: str, error: type[Exception]):
    with pytest.raises(error):
        toolchain_prefixes(Program(files={}, argv=("x",), read_only=(prefix,)))


def test_environment_is_complete(tmp_path: Path):
    (tmp_path / "bin").mkdir()
    program = Program(files={}, argv=("x",), read_only=(str(tmp_path),), env={"LANG": "C", "A": "b"})
    assert environment(program, "/h") == {
        "PATH": f"{tmp_path}/bin:/usr/local/bin:/usr/bin:/bin",
        "HOME": "/h",
        "TMPDIR": "/h",
        "LANG": "C",
        "USER": "sandbox",
        "LOGNAME": "sandbox",
        "A": "b",
    }


def test_command_replaces_dir():
    assert command(("x", "-I@{dir}/a", "@{dir}"), "/f") == ["x", "-I/f/a", "/f"]


def test_files_may_contain_lone_surrogates(tmp_path: Path):
    write_files({"a/b": "\ud800é"}, tmp_path)
    assert (tmp_path / "a" / "b").read_bytes() == b"\xed\xa0\x80\xc3\xa9"
