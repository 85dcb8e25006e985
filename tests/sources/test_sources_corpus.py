"""What specifications name, and the sentences for those that name nothing."""

import importlib.metadata
import platform
import sys
from pathlib import Path

import pytest

from glotsmith.drop_reasons import Reason
from glotsmith.errors import InputError, UsageError
from glotsmith.sources.corpus import Corpus, ReadOptions, locate_corpus
from glotsmith.step import Dropped

REFUSED = {
    "nothing": ("", "there is no file, folder or source ''. A source is one of: package:more_itertools"),
    "no such file": ("nowhere.py", "there is no file, folder or source 'nowhere.py'. A source is one of: "),
    "an unknown scheme": ("pip:toolz", "there is no file, folder or source 'pip:toolz'. A source is one of: "),
    "a scheme without a colon": ("package", "there is no file, folder or source 'package'"),
    "no such package": ("package:nosuch", "package:nosuch: no package 'nosuch' is installed. Install it with pip, or"),
    "no such part": ("package:toolz.nosuch", "package:toolz.nosuch: no package 'toolz.nosuch' is installed in toolz"),
    "no package name": ("package:", "package:: no package '' is installed"),
    "a path as package": ("package:../x", "package:../x: no package '../x' is installed"),
    "a path inside one": ("package:toolz../x", "package:toolz../x: no package 'toolz../x' is installed in toolz"),
    "the standard library": ("package:textwrap", "textwrap is part of the standard library. Use stdlib:textwrap"),
    "no such module": ("stdlib:nosuch", "stdlib:nosuch: nosuch is not a module of the standard library. Use"),
    "a compiled module": ("stdlib:math", "stdlib:math: math is not written in Python"),
    "a builtin module": ("stdlib:sys", "stdlib:sys: sys is not written in Python"),
    "a way out": ("stdlib:..", "stdlib:..: .. is not a module of the standard library"),
    "a name that is too long": ("x" * 5_000, "there is no file, folder or source 'xxx"),
    "a module of that kind": ("stdlib:" + "x" * 300, "stdlib:xxx"),
    "a user who is not there": ("~nosuchuser/x", "there is no file, folder or source '~nosuchuser/x'"),
    "a NUL": ("a\0b.py", "there is no file, folder or source 'a\\x00b.py'"),
    "no dataset": ("hf:", "'hf:' is not of the form hf:OWNER/DATASET[:CONFIG][:SPLIT]"),
    "too much of a dataset": ("hf:a/b:c:d:e", "'hf:a/b:c:d:e' is not of the form"),
}


@pytest.mark.parametrize(("spec", "sentence"), REFUSED.values(), ids=REFUSED)
def test_what_names_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec: str, sentence: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as caught:
        locate_corpus(spec, ReadOptions())
    assert str(caught.value).startswith(sentence)


def test_a_file_of_another_kind(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("")
    with pytest.raises(UsageError, match=r"x\.txt has an unsupported format\. A source is one of: "):
        locate_corpus(str(tmp_path / "x.txt"), ReadOptions())


def paths(corpus: Corpus) -> list[str]:
    return [text.path for text in corpus.texts()]


def test_a_module_of_the_standard_library() -> None:
    corpus = locate_corpus("stdlib:textwrap", ReadOptions())
    assert (paths(corpus), corpus.version, corpus.licence) == (["textwrap.py"], platform.python_version(), "PSF-2.0")
    assert paths(locate_corpus("stdlib:json", ReadOptions()))[:2] == ["json/__init__.py", "json/decoder.py"]
    assert paths(locate_corpus("stdlib:json.decoder", ReadOptions())) == ["json/decoder.py"]


@pytest.mark.slow
def test_a_package() -> None:
    corpus = locate_corpus("package:toolz", ReadOptions())
    found = paths(corpus)
    assert (found, corpus.version) == (
        sorted(found, key=lambda p: (p.count("/"), p)),
        importlib.metadata.version("toolz"),
    )
    assert "toolz/itertoolz.py" in found
    assert not [p for p in found if "test" in p]
    assert corpus.licence.startswith("BSD")
    assert [p for p in paths(locate_corpus("package:toolz", ReadOptions(tests=True))) if "test" in p]
    assert paths(locate_corpus("package:toolz.itertoolz", ReadOptions())) == ["toolz/itertoolz.py"]


@pytest.mark.parametrize("name", ["more_itertools", "more-itertools"])
def test_a_package_by_either_name(name: str) -> None:
    assert "more_itertools/more.py" in paths(locate_corpus(f"package:{name}", ReadOptions()))


@pytest.mark.slow
def test_finding_a_package_runs_nothing_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hostile_pkg" / "sub").mkdir(parents=True)
    (tmp_path / "hostile_pkg" / "__init__.py").write_text("raise SystemExit('imported')")
    (tmp_path / "hostile_pkg" / "sub" / "m.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    assert paths(locate_corpus("package:hostile_pkg", ReadOptions())) == [
        "hostile_pkg/__init__.py",
        "hostile_pkg/sub/m.py",
    ]
    assert paths(locate_corpus("package:hostile_pkg.sub", ReadOptions())) == ["hostile_pkg/sub/m.py"]
    assert "hostile_pkg" not in sys.modules


def test_a_folder_and_its_licence(tmp_path: Path) -> None:
    (tmp_path / "LICENSE").write_text("Apache License, Version 2.0")
    (tmp_path / "b.py").write_text("# SPDX-License-Identifier: ISC")
    (tmp_path / "a.py").write_bytes(b"\xff")
    corpus = locate_corpus(str(tmp_path), ReadOptions())
    assert corpus.licence == "Apache-2.0"
    texts = list(corpus.texts())
    assert [(t.path, t.licence) for t in texts] == [("a.py", ""), ("b.py", "ISC")]
    assert texts[0].content == Dropped(Reason.UNREADABLE, "byte 0 is not UTF-8")
    assert paths(locate_corpus(str(tmp_path / "b.py"), ReadOptions())) == ["b.py"]


def test_a_folder_in_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "x.py").write_text("")
    assert paths(locate_corpus("~", ReadOptions())) == ["x.py"]


def test_a_folder_whose_name_is_no_text(tmp_path: Path) -> None:
    folder = tmp_path / "a\udcff"
    folder.mkdir()
    (folder / "x.py").write_text("")
    corpus = locate_corpus(str(folder), ReadOptions())
    assert (corpus.spec, paths(corpus)) == (f"{tmp_path}/a\\udcff", ["x.py"])


def test_a_folder_without_python(tmp_path: Path) -> None:
    (tmp_path / "test_x.py").write_text("")
    corpus = locate_corpus(str(tmp_path), ReadOptions())
    with pytest.raises(InputError, match=r": the folder has no Python file \(test folders and test files are skipped"):
        list(corpus.texts())
    assert paths(locate_corpus(str(tmp_path), ReadOptions(tests=True))) == ["test_x.py"]


def test_a_dataset_is_not_touched_before_it_is_read() -> None:
    corpus = locate_corpus("hf:owner/name:config:test", ReadOptions())
    assert (corpus.spec, corpus.version, corpus.licence) == ("hf:owner/name:config:test", "", "")
