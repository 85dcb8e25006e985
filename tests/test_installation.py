"""The commands that messages, exports and the container recipe print install what they say, from where glotsmith is."""

import json
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from glotsmith import installation
from glotsmith.datasets.exporters.formats import FORMATS
from glotsmith.toolkit.dockerfile import dockerfile

ROOT = Path(__file__).parents[1]
REQUIRES = ["rich>=13", "uvicorn>=0.30 ; extra == 'serve'", 'lupa; extra == "lua"', "starlette>=0.40; extra == 'serve'"]
COMMIT = "a" * 40


class Installed:
    """What ``importlib.metadata`` says of glotsmith."""

    def __init__(self, written: Any) -> None:
        self.written = written
        self.requires = REQUIRES

    def read_text(self, name: str) -> str | None:
        assert name == "direct_url.json"
        return self.written if isinstance(self.written, str | None) else json.dumps(self.written)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let glotsmith be installed as an installer wrote down; ``HERE`` in an address is an empty folder."""

    def as_written(written: Any) -> Path:
        text = written.replace("HERE", str(tmp_path)) if isinstance(written, str) else written
        monkeypatch.setattr(installation, "_installed", lambda: Installed(text))
        monkeypatch.setattr(installation, "__file__", str(tmp_path / "lib" / "x" / "glotsmith" / "installation.py"))
        monkeypatch.setattr(installation, "_pip_command", lambda: "pip install")
        (tmp_path / "a b").mkdir(exist_ok=True)
        (tmp_path / "glotsmith-1-py3-none-any.whl").touch()
        return tmp_path

    return as_written


@pytest.mark.parametrize(
    ("written", "command", "requirement"),
    [
        (
            '{"url": "file://HERE", "dir_info": {"editable": true}}',
            "pip install -e 'HERE[serve]'",
            "glotsmith @ file://HERE",
        ),
        (
            '{"url": "file://HERE/a%20b", "dir_info": {"editable": true}}',
            "pip install -e 'HERE/a b[serve]'",
            "glotsmith @ file://HERE/a%20b",
        ),
        (
            '{"url": "file://HERE", "dir_info": {}}',
            "pip install 'glotsmith[serve] @ file://HERE'",
            "glotsmith @ file://HERE",
        ),
        (
            '{"url": "file://HERE/glotsmith-1-py3-none-any.whl", "archive_info": {"hash": "sha256=0"}}',
            "pip install 'glotsmith[serve] @ file://HERE/glotsmith-1-py3-none-any.whl'",
            "glotsmith @ file://HERE/glotsmith-1-py3-none-any.whl",
        ),
        (
            f'{{"url": "https://host/g.git", "vcs_info": {{"vcs": "git", "commit_id": "{COMMIT}"}}}}',
            f"pip install 'glotsmith[serve] @ git+https://host/g.git@{COMMIT}'",
            f"glotsmith @ git+https://host/g.git@{COMMIT}",
        ),
        (
            '{"url": "https://host/m.tar.gz", "archive_info": {}, "subdirectory": "python/g"}',
            "pip install 'glotsmith[serve] @ https://host/m.tar.gz#subdirectory=python/g'",
            "glotsmith @ https://host/m.tar.gz#subdirectory=python/g",
        ),
        (None, "pip install 'uvicorn>=0.30' 'starlette>=0.40'", "glotsmith"),
        ("no JSON", "pip install 'uvicorn>=0.30' 'starlette>=0.40'", "glotsmith"),
        ("[]", "pip install 'uvicorn>=0.30' 'starlette>=0.40'", "glotsmith"),
        ('{"url": 5}', "pip install 'uvicorn>=0.30' 'starlette>=0.40'", "glotsmith"),
        (
            '{"url": "file://HERE/removed", "dir_info": {"editable": true}}',
            "pip install 'uvicorn>=0.30' 'starlette>=0.40'",
            "glotsmith",
        ),
    ],
)
def test_an_extra_is_installed_from_where_glotsmith_came(
    installed: Any, written: str | None, command: str, requirement: str
) -> None:
    here = str(installed(written))
    assert installation.install_command("serve") == command.replace("HERE", here)
    assert installation.requirement() == requirement.replace("HERE", here)


def test_a_checkout_that_is_not_installed_is_its_own_source(monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = Installed({"url": "file:///", "dir_info": {}})
    for found in (None, elsewhere):
        monkeypatch.setattr(installation, "_installed", lambda found=found: found)
        assert installation.install_source() == (ROOT.as_uri(), True)
    assert shlex.split(installation.install_command("train"))[-2:] == ["-e", f"{ROOT}[train]"]


@pytest.mark.parametrize(
    ("path", "module", "start"),
    [
        ("", "pip", f"{shlex.quote(sys.executable)} -m pip install"),
        ("SCRIPTS", "pip", "pip install"),
        ("SCRIPTS", "no_such_module", f"uv pip install --python {shlex.quote(sys.executable)}"),
    ],
)
def test_the_command_installs_into_this_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, module: str, start: str
) -> None:
    (tmp_path / "pip").touch(0o755)
    find_spec = installation.importlib.util.find_spec
    monkeypatch.setattr(installation.importlib.util, "find_spec", lambda name: find_spec(module))
    monkeypatch.setattr(installation.sysconfig, "get_path", lambda name: str(tmp_path))
    monkeypatch.setenv("PATH", path.replace("SCRIPTS", str(tmp_path)))
    assert installation.install_command("serve").startswith(start)


@pytest.mark.parametrize("name", [name for name in FORMATS if "@{" in FORMATS[name].install])
def test_an_export_names_where_glotsmith_is(name: str) -> None:
    extra = "serve" if name == "open-instruct" else ""
    command, _, _ = FORMATS[name].needs.partition(" #")
    assert installation.requirement(extra) in shlex.split(command)
    assert "@{" not in command


@pytest.mark.parametrize("name", FORMATS)
def test_what_an_export_needs_can_be_typed_into_a_shell(name: str) -> None:
    words = shlex.split(FORMATS[name].needs, comments=True)
    assert words[:2] in ([], ["pip", "install"])
    assert "glotsmith" not in words


@pytest.mark.parametrize(
    ("written", "lines"),
    [
        (
            '{"url": "file://HERE", "dir_info": {"editable": true}}',
            [
                "COPY pyproject.toml README.md LICENSE /src/",
                "COPY src /src/src",
                "-f - HERE < Dockerfile",
                "dir /src\n",
            ],
        ),
        (
            '{"url": "file://HERE/glotsmith-1-py3-none-any.whl", "archive_info": {}}',
            ["COPY glotsmith-1-py3-none-any.whl /src/", "-f - HERE < Dockerfile", "dir /src/glotsmith-1-py3"],
        ),
        (
            f'{{"url": "https://host/g.git", "vcs_info": {{"vcs": "git", "commit_id": "{COMMIT}"}}}}',
            ["dir 'glotsmith @ git+https://host/g.git@aaa", "      git \\", "-t glotsmith - < Dockerfile"],
        ),
        (None, ["COPY glotsmith-0.1.0-py3-none-any.whl /src/", "-f - . < Dockerfile"]),
    ],
)
def test_a_container_gets_glotsmith_from_where_it_is(
    installed: Any, monkeypatch: pytest.MonkeyPatch, written: str | None, lines: list[str]
) -> None:
    here = str(installed(written))
    monkeypatch.setattr("glotsmith.toolkit.dockerfile.__version__", "0.1.0")
    recipe = dockerfile(["lua"])
    assert not [line for line in lines if line.replace("HERE", here) not in recipe], recipe
    assert "glotsmith==" not in recipe
