"""A wheel and an sdist hold all that glotsmith needs: in a new environment it works, away from the checkout."""

import json
import os
import shlex
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
JOBS = (
    {"id": "right", "language": "lua", "tests": ["assert f(1) == 1"], "code": "local function f(x) return x end"},
    {"id": "wrong", "language": "python", "tests": ["assert f(1) == 1"], "code": "def f(x): return 2"},
)

pytestmark = pytest.mark.slow


def sh(*argv: object, cwd: Path, code: int = 0) -> str:
    done = subprocess.run(list(map(str, argv)), cwd=cwd, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def sources() -> set[str]:
    """Return the package's files; what Python and tests leave in its folders is none of them."""
    found = (p for p in (ROOT / "src/glotsmith").rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    return {str(p.relative_to(ROOT / "src")) for p in found}


def build(folder: Path, target: Path) -> tuple[Path, Path]:
    """Build a wheel and an sdist as ``python -m build`` does, without its environment."""
    sh(sys.executable, "-m", "hatchling", "build", "-d", target, cwd=folder)
    (wheel,), (sdist,) = target.glob("*.whl"), target.glob("*.tar.gz")
    return wheel, sdist


def contents(wheel: Path) -> set[str]:
    return {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return build(ROOT, tmp_path_factory.mktemp("built"))


@pytest.fixture(scope="module")
def environment(built: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment with the wheel in it; its dependencies are those of this one."""
    folder = tmp_path_factory.mktemp("installed") / "environment"
    sh(sys.executable, "-m", "venv", folder, cwd=ROOT)
    sh(folder / "bin/pip", "install", "--no-deps", "--no-index", "--find-links", "/nowhere", built[0], cwd=folder)
    (site,) = folder.glob("lib/python*/site-packages")
    shared = [p for p in sys.path if p.endswith("site-packages") and p != str(site)]
    (site / "dependencies.pth").write_text("\n".join([*shared, sysconfig.get_path("purelib")]))
    return folder


def test_the_wheel_has_the_packages_files_and_no_others(built: tuple[Path, Path]) -> None:
    assert contents(built[0]) == sources()
    with zipfile.ZipFile(built[0]) as wheel:
        assert all(wheel.read(name) == (ROOT / "src" / name).read_bytes() for name in sources())


def test_the_sdist_has_what_a_wheel_is_built_from_and_builds_the_same(built: tuple[Path, Path], tmp_path: Path) -> None:
    with tarfile.open(built[1]) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
        sdist.extractall(tmp_path, filter="data")
    own = {"pyproject.toml", "README.md", "LICENSE", "PKG-INFO", ".gitignore"}
    assert names - own == {f"src/{name}" for name in sources()}
    assert {"pyproject.toml", "README.md", "LICENSE"} <= names
    (unpacked,) = tmp_path.iterdir()
    assert contents(build(unpacked, tmp_path / "again")[0]) == contents(built[0])


def test_the_installed_wheel_runs_and_judges(environment: Path, tmp_path: Path) -> None:
    where = sh(environment / "bin/python", "-c", "import glotsmith; print(glotsmith.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(environment)
    output = sh(environment / "bin/glotsmith", "doctor", cwd=tmp_path)
    assert all(word in output for word in ("Python 3", "bubblewrap", "ocaml", "racket"))
    (tmp_path / "jobs.jsonl").write_text("".join(json.dumps(job) + "\n" for job in JOBS))
    verdicts = sh(environment / "bin/glotsmith", "verify", "jobs.jsonl", cwd=tmp_path)
    found = {v["id"]: v["status"] for v in map(json.loads, verdicts.splitlines())}
    assert found == {"right": "pass", "wrong": "fail:wrong"}


def test_the_installed_wheel_makes_a_dataset_and_exports_it(environment: Path, tmp_path: Path) -> None:
    (tmp_path / "corpus.py").write_text(
        'def add(x: int, y: int) -> int:\n    """Add.\n\n    >>> add(1, 2)\n    3\n    >>> add(2, 2)\n    4\n    """\n'
        "    z = x + y\n    return z\n"
    )
    argv = ["run", "multipl-t", "-s", "corpus.py", "-l", "lua", "--teacher", "offline", "-o", "made", "--quiet"]
    sh(environment / "bin/glotsmith", *[a for a in argv if a != "--quiet"], cwd=tmp_path)
    sh(environment / "bin/glotsmith", "export", "made", "--format", "trl-grpo", "-o", "grpo", cwd=tmp_path)
    assert "glotsmith @ file://" in (tmp_path / "grpo/README.md").read_text()


def test_the_command_that_adds_an_extra_works_as_printed(environment: Path, tmp_path: Path) -> None:
    code = "from glotsmith.installation import install_command as command; print(command('serve'))"
    printed = sh(environment / "bin/python", "-c", code, cwd=tmp_path).strip()
    assert "glotsmith[serve] @ file://" in printed
    without_index = ["--no-deps", "--no-index", "--dry-run", "--force-reinstall"]
    output = sh(*shlex.split(printed), *without_index, cwd=tmp_path)
    assert "Would install glotsmith-" in output
    assert os.fspath(environment) in printed
