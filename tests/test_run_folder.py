"""The run folder: made once, held by one process, resumed only with its own configuration."""

import subprocess
import sys
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glotsmith.errors import InputError, StorageError, UsageError
from glotsmith.ledger_rows import StepInput
from glotsmith.records import Record
from glotsmith.run_folder import RunFolder, to_toml, write_config
from glotsmith.step import Kept, Result

CONFIG = {"recipe": "multipl-t", "seed": 0, "languages": ["lua", "r"], "teacher": {"name": "openai", "model": "m"}}


def make(path, config=None, cache=None):
    return RunFolder.create_or_resume(path, CONFIG if config is None else config, cache)


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
scalars = st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | text
tables = st.recursive(
    st.dictionaries(text, scalars | st.lists(scalars, max_size=3), max_size=4),
    lambda inner: st.dictionaries(text, scalars | inner | st.lists(inner, max_size=2), max_size=4),
    max_leaves=12,
)


@pytest.mark.slow
@given(tables)
def test_toml_round_trip(table):
    assert tomllib.loads(to_toml(table)) == table


@pytest.mark.parametrize(
    ("table", "toml"),
    [
        ({"a": 1, "b": True, "c": None}, "a = 1\nb = true\n"),
        ({"t": {"x": 1.5}, "top": "é\n\x7f"}, 'top = "é\\n\\u007F"\n\n[t]\nx = 1.5\n'),
        ({"a": {"b c": {"d": ()}}}, '\n[a]\n\n[a."b c"]\nd = []\n'),
        ({"benchmarks": [{"path": "x"}]}, 'benchmarks = [{path = "x"}]\n'),
        ({"path": "\ud800"}, 'path = "\ufffd"\n'),
    ],
)
def test_toml_as_a_person_reads_it(table, toml):
    assert to_toml(table) == toml


def test_toml_has_no_form_for_an_object():
    with pytest.raises(TypeError, match="object"):
        to_toml({"x": object()})


def test_made_then_resumed(tmp_path):
    path = tmp_path / "runs" / "one"
    with make(path) as run:
        assert not run.resumed
        run.cache.put("reply", "k", b"v")
    with make(path) as run:
        assert run.resumed
        assert run.config == CONFIG
        assert run.cache.get("reply", "k") == b"v"
        assert run.dataset == path / "dataset"
    run.close()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"seed": 1}, "seed was 0 and is now 1"),
        ({"teacher": {"name": "openai", "model": "n"}}, 'teacher.model was "m" and is now "n"'),
        ({"teacher": {"name": "openai"}}, 'teacher.model was "m" and is now not set'),
        ({"samples": 50}, "samples was not set and is now 50"),
        (
            {"languages": ["lua"], "seed": True},
            'languages was ["lua", "r"] and is now ["lua"]; seed was 0 and is now true',
        ),
        ({"recipe": "x" * 100}, 'recipe was "multipl-t" and is now "' + "x" * 59 + "…"),
    ],
)
def test_a_changed_configuration_is_named_once_there_are_replies(tmp_path, changes, sentence):
    with make(tmp_path / "run") as run:
        run.cache.put("reply", "k", b"v")
    with pytest.raises(UsageError) as error:
        make(tmp_path / "run", {**CONFIG, **changes})
    assert sentence in str(error.value)
    assert f"-o NEWFOLDER --cache {tmp_path / 'run' / 'cache.sqlite'}" in str(error.value)
    assert "delete" not in str(error.value)
    make(tmp_path / "run").close()  # and the refused start held no lock


class Item(Record, frozen=True, kw_only=True):
    """A row of the runs below."""

    text: str = ""


def answer(run, step, *, tokens=0):
    """Enter one answer of a step of a run of two steps."""
    run.ledger.register_steps(["sources", "dataset"])
    run.ledger.record(step, StepInput("k", "a0"), Result(kept=(Kept("k", Item()),), tokens=tokens))


@pytest.mark.parametrize(
    ("change_run", "bound"),
    [
        (lambda run: None, False),
        (lambda run: answer(run, "sources"), False),
        (lambda run: run.cache.put("verdict", "k", b"v"), False),
        (lambda run: run.cache.put("reply", "k", b"v"), True),
        (lambda run: answer(run, "sources", tokens=7), True),
        (lambda run: answer(run, "dataset"), True),
    ],
    ids=["nothing", "read sources", "a verdict", "a reply", "a reply of a shared cache", "a row"],
)
@pytest.mark.parametrize("change", [{"seed": 1}, {"languages": ["r"]}, {"teacher": {"name": "openai", "model": "n"}}])
def test_a_configuration_binds_once_there_are_rows_or_replies(tmp_path, change_run, bound, change):
    with make(tmp_path / "run") as run:
        change_run(run)
    if bound:
        with pytest.raises(UsageError, match="the configuration has changed"):
            make(tmp_path / "run", {**CONFIG, **change})
        return
    with make(tmp_path / "run", {**CONFIG, **change}) as run:
        assert not run.resumed
        assert run.config == {**CONFIG, **change}
        assert run.ledger.steps == ()


def test_what_does_not_determine_rows_may_change_and_is_stored(tmp_path):
    with make(tmp_path / "run", {**CONFIG, "speed": 1}) as run:
        answer(run, "dataset")
    with RunFolder.create_or_resume(tmp_path / "run", {**CONFIG, "speed": 2}, changeable=["speed"]) as run:
        assert run.resumed
        assert run.config["speed"] == 2
        assert run.ledger.count_kept("dataset") == 1


@pytest.mark.parametrize("place", [{"teacher": {"api_key": "hunter2x"}}, {"model": "sk-abc123"}])
def test_no_key_is_stored(tmp_path, place):
    with pytest.raises(UsageError, match="looks like a key"):
        make(tmp_path / "run", {**CONFIG, **place})
    assert not (tmp_path / "run").exists()


def test_a_key_that_another_version_has_stored_is_not_printed(tmp_path):
    with make(tmp_path / "run") as run:
        run.cache.put("reply", "k", b"v")
    stored = (tmp_path / "run" / "run.toml").read_text()
    (tmp_path / "run" / "run.toml").write_text(f'{stored}options = {{api_key = "hunter2x", extra = "sk-abc123"}}\n')
    with pytest.raises(UsageError) as error:
        make(tmp_path / "run")
    assert "api_key was [key] and is now not set" in str(error.value)
    assert "hunter2x" not in str(error.value)
    assert "sk-abc123" not in str(error.value)


def test_a_preview_takes_the_place_of_a_preview_and_of_nothing_else(tmp_path):
    preview = {**CONFIG, "preview": 5}
    with make(tmp_path / "p", preview) as run:
        answer(run, "dataset")
        run.cache.put("reply", "k", b"v")
        (run.dataset / "jsonl").mkdir(parents=True)
    with make(tmp_path / "p", {**preview, "seed": 1}) as run:
        assert (run.resumed, run.ledger.steps, run.dataset.exists()) == (False, (), False)
        assert run.cache.get("reply", "k") == b"v"
    with make(tmp_path / "run") as run:
        answer(run, "dataset")
    with pytest.raises(UsageError, match="contains a run, and a preview must not replace it"):
        make(tmp_path / "run", preview)
    assert make(tmp_path / "run").ledger.count_kept("dataset") == 1


def test_a_pilot_resumes_and_a_changed_one_takes_its_place(tmp_path):
    pilot = {**CONFIG, "pilot": 0.05}
    with make(tmp_path / "p", pilot) as run:
        answer(run, "dataset")
        run.cache.put("reply", "k", b"v")
        run.dataset.mkdir()
    with make(tmp_path / "p", pilot) as run:
        assert (run.resumed, run.ledger.count_kept("dataset"), run.dataset.exists()) == (True, 1, True)
    with make(tmp_path / "p", {**pilot, "seed": 1}) as run:
        assert (run.resumed, run.ledger.steps, run.dataset.exists()) == (False, (), False)
        assert run.cache.get("reply", "k") == b"v"
    with make(tmp_path / "run") as run:
        answer(run, "dataset")
    for place, config in (("run", pilot), ("p", {**CONFIG, "preview": 5})):
        with pytest.raises(UsageError, match=r"contains a run, and a p\w+ must not replace it"):
            make(tmp_path / place, config)


def test_another_cache_is_looked_at_and_copied_from(tmp_path):
    with make(tmp_path / "p") as preview:
        preview.cache.put("reply", "k", b"v")
    other = tmp_path / "p" / "cache.sqlite"
    with RunFolder.create_or_resume(tmp_path / "run", CONFIG, fallback_caches=[other]) as run:
        assert run.cache.get("reply", "k") == b"v"
        assert run.cache.get("reply", "l") is None
    with make(tmp_path / "run") as run:
        assert run.cache.get("reply", "k") == b"v"
    other.write_bytes(b"no database " * 999)
    RunFolder.create_or_resume(tmp_path / "run", CONFIG, fallback_caches=[other]).close()
    RunFolder.create_or_resume(tmp_path / "run", CONFIG, fallback_caches=[tmp_path / "none"]).close()


@pytest.mark.parametrize("config", [{**CONFIG, "budget": None}, dict(reversed(CONFIG.items()))])
def test_the_same_configuration_may_be_written_otherwise(tmp_path, config):
    make(tmp_path / "run").close()
    make(tmp_path / "run", config).close()


def test_a_folder_is_for_one_process(tmp_path):
    with make(tmp_path / "run") as run:
        with pytest.raises(UsageError, match=r"process \d+ uses this folder"):
            make(run.path)
        with RunFolder.open(run.path) as reader:
            assert reader.config == CONFIG
    make(tmp_path / "run").close()


def test_the_lock_dies_with_its_process(tmp_path):
    code = (
        "import os, sys, pathlib; from glotsmith.run_folder import RunFolder;"
        "RunFolder.create_or_resume(pathlib.Path(sys.argv[1]), {'seed': 0}); os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", code, tmp_path / "run"], timeout=60).returncode == 9
    make(tmp_path / "run", {"seed": 0}).close()


def test_runs_may_share_a_cache(tmp_path):
    shared = tmp_path / "cache.sqlite"
    with make(tmp_path / "a", cache=shared) as a, make(tmp_path / "b", cache=shared) as b:
        a.cache.put("reply", "k", b"v")
        assert b.cache.get("reply", "k") == b"v"
    assert not (tmp_path / "a" / "cache.sqlite").exists()


def _file(path):
    path.write_text("x")


def _photos(path):
    path.mkdir()
    (path / "photo.jpg").touch()


def _bad_toml(path):
    path.mkdir()
    (path / "run.toml").write_text("seed = ")


def _bad_ledger(path):
    make(path).close()
    (path / "ledger.sqlite").write_bytes(b"no database " * 999)


def _bad_cache(path):
    make(path).close()
    (path / "cache.sqlite").write_bytes(b"no database " * 999)


@pytest.mark.parametrize(
    ("spoil", "error", "sentence"),
    [
        (_file, UsageError, "this is a file"),
        (_photos, UsageError, r"contains other files \(photo.jpg\)"),
        (_bad_toml, InputError, "run.toml: .*correct the file"),
        (_bad_ledger, StorageError, "ledger.sqlite: the file is damaged"),
        (_bad_cache, StorageError, "cache.sqlite: the file is damaged"),
    ],
)
def test_a_folder_that_cannot_be_used_is_a_sentence(tmp_path, spoil, error, sentence):
    spoil(tmp_path / "run")
    with pytest.raises(error, match=sentence):
        make(tmp_path / "run")


def test_what_a_kill_in_the_first_moment_leaves_is_no_hindrance(tmp_path):
    path = tmp_path / "run"
    path.mkdir()
    (path / "lock").write_text("1\n")
    (path / "run.toml.4711").write_text("half")
    make(path).close()


def test_only_a_run_folder_can_be_opened(tmp_path):
    with pytest.raises(UsageError, match="not a run folder"):
        RunFolder.open(tmp_path)


def test_a_text_that_cannot_be_written_is_a_sentence_and_leaves_the_old_one(tmp_path):
    target = tmp_path / "folder"
    target.mkdir()
    with pytest.raises(StorageError, match="cannot be written"):
        write_config(target, {})
    assert list(tmp_path.iterdir()) == [target]
