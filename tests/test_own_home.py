"""A test session neither reads nor writes the home of the user."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

import own_home
from watching import watch

ROOT = Path(__file__).parents[1]
#: Sessions of every kind: one test each of this process, started programs, warm workers, prepared languages, libraries.
SAMPLES = {
    "one process": (
        "tests/test_own_home.py::test_the_variables_that_lead_to_the_user_are_replaced",
        "tests/languages/test_toolchain.py::test_python_is_always_there",
        "tests/languages/test_verdicts.py::test_verdict[ocaml accepted]",
        "tests/cli/test_cli_errors.py::test_a_malformed_line_has_a_verdict_and_the_others_are_judged",
        "tests/cli/test_cli_errors.py::test_a_defect_keeps_its_traceback_in_a_log",
        "tests/datasets/test_dataset_folder.py::test_load_dataset_opens_it_unedited[jsonl]",
    ),
    "workers": (
        *("-n", "2"),
        "tests/test_own_home.py::test_the_variables_that_lead_to_the_user_are_replaced",
        "tests/toolkit/test_language_check.py::test_rows_that_are_missing_or_malformed_are_named_where_nothing_is_calibrated_yet"
        "[rows2-verdicts.toml has no row that expects fail:wrong]",
        "tests/languages/test_verdicts.py::test_verdict[r accepted]",
        "tests/training/test_models.py::test_generation_ends_where_the_template_ends_a_reply[0]",
    ),
}
LEFT = ("PATH", "LANG", "TMPDIR", "LD_LIBRARY_PATH", "PYTHONPATH", "OMP_NUM_THREADS")
FILES = {  # what a home may have, and nothing may read
    ".cache/glotsmith/calibration.json": "no JSON",
    ".cache/huggingface/token": "secret",
    ".config/glotsmith/config.toml": "no TOML [",
    ".config/pip/pip.conf": "[global]\n",
    ".local/share/glotsmith/x": "x",
    ".local/state/x": "x",
    ".cargo/config.toml": "no TOML [",
    ".netrc": "machine x",
    ".npmrc": "x",
    ".profile": "exit 1",
    ".Rprofile": "stop()",
    ".ocamlinit": "syntax error",
    ".julia/config/startup.jl": "error()",
}


@pytest.fixture
def users(tmp_path: Path) -> dict[str, str]:
    """The variables of a user whose home has files that break whatever reads them."""
    home = tmp_path / "home"
    for name, text in FILES.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    named = {"XDG_CACHE_HOME": ".cache", "XDG_CONFIG_HOME": ".config", "XDG_DATA_HOME": ".local/share"}
    left = {name: os.environ[name] for name in LEFT if name in os.environ}
    own = {name: str(home / folder) for name, folder in named.items()}
    return left | own | {"HOME": str(home), "HF_HOME": str(home / ".cache/huggingface"), "OPENAI_API_KEY": "secret"}


def contents(home: Path) -> dict[str, str]:
    return {str(p.relative_to(home)): p.read_text() if p.is_file() else "" for p in home.rglob("*")}


def started(users: Mapping[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    argv = [sys.executable, *arguments]
    return subprocess.run(argv, cwd=ROOT, env=users, capture_output=True, text=True, check=False, timeout=500)


@pytest.mark.slow
@pytest.mark.parametrize("sample", SAMPLES)
def test_a_session_neither_reads_nor_writes_the_users_home(users: dict[str, str], sample: str) -> None:
    home = Path(users["HOME"])
    before = contents(home)
    with watch(home) as observed:
        done = started(users, "-m", "pytest", "-q", "-p", "no:cacheprovider", *SAMPLES[sample])
        assert done.returncode == 0, done.stdout + done.stderr
        assert observed.seen() == set()
    assert contents(home) == before


@pytest.mark.parametrize(
    ("code", "seen"),
    [
        ("from glotsmith.cache_paths import cache_home; (cache_home() / 'x').touch()", "made {}/.cache/glotsmith/x"),
        ("import pathlib; pathlib.Path('~/.netrc').expanduser().read_text()", "opened {}/.netrc"),
        ("import os; os.listdir(os.environ['HF_HOME'])", "opened {}/.cache/huggingface"),
        ("import os; os.remove(os.path.expanduser('~/.profile'))", "deleted {}/.profile"),
        ("pass", ""),
    ],
)
def test_the_watch_sees_what_a_program_does(users: dict[str, str], code: str, seen: str) -> None:
    home = Path(users["HOME"])
    with watch(home) as observed:
        assert started(users, "-c", code).returncode == 0
        found = observed.seen()
    assert seen.format(home) in found if seen else not found


@pytest.mark.parametrize("name", ["HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"])
def test_the_variables_that_lead_to_the_user_are_replaced(name: str) -> None:
    assert Path(os.environ[name]).is_relative_to(os.environ[own_home.VARIABLE])


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("OPENAI_API_KEY", False),
        ("HF_TOKEN", False),
        ("HF_HUB_CACHE", False),
        ("GLOTSMITH_LANGUAGES", False),
        ("NETRC", False),
        ("GLOTSMITH_TOKEN", False),
        ("GLOTSMITH_TEST_EVERYTHING", True),
        ("GLOTSMITH_TEST_BACK_END", True),
        ("GLOTSMITH_IMAGE", True),
        ("PATH", True),
        ("PIP_INDEX_URL", True),
        ("TMPDIR", True),
    ],
)
def test_what_is_the_users_is_left_out(tmp_path: Path, name: str, kept: bool) -> None:
    assert (own_home.environment(tmp_path, {name: "x"}).get(name) == "x") is kept


def test_a_named_home_is_kept_and_an_unnamed_one_is_removed(tmp_path: Path, users: dict[str, str]) -> None:
    show = "import sys; sys.path.insert(0, 'tests'); import own_home, os; print(os.environ['HOME'])"
    named = started(users | {own_home.VARIABLE: str(tmp_path / "kept")}, "-c", show).stdout.strip()
    unnamed = started(users, "-c", show).stdout.strip()
    assert (named, Path(named, ".cache").is_dir()) == (str(tmp_path / "kept"), True)
    assert unnamed
    assert not Path(unnamed).exists()


@pytest.mark.parametrize(
    ("settings", "code"), [(".config/pip/pip.conf", 0), (".pip/pip.conf", 3), (None, 0)], ids=["new", "old", "none"]
)
def test_ci_runs_in_an_empty_home_that_it_removes(tmp_path: Path, settings: str | None, code: int) -> None:
    (tmp_path / ".ci").mkdir()
    (tmp_path / ".ci/run").write_text((ROOT / ".ci/run").read_text())
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts/test.sh").write_text(
        'find "$HOME"; echo "cache ${XDG_CACHE_HOME-unset}"; echo "pip ${PIP_CONFIG_FILE-unset}"\n'
        f'mkdir -p "$HOME/a/b"; touch "$HOME/a/b/c"; chmod -R a-w "$HOME/a"; exit {code}\n'
    )
    users = {"PATH": os.environ["PATH"], "HOME": str(tmp_path / "home"), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    if settings:
        (tmp_path / "home" / settings).parent.mkdir(parents=True)
        (tmp_path / "home" / settings).touch()
    done = subprocess.run(["bash", tmp_path / ".ci/run"], env=users, capture_output=True, text=True, check=False)
    home, *lines = done.stdout.splitlines()
    wanted = str(tmp_path / "home" / settings) if settings else "unset"
    assert (done.returncode, lines) == (code, ["cache unset", f"pip {wanted}"]), done.stderr
    assert home != users["HOME"]
    assert not Path(home).exists()
