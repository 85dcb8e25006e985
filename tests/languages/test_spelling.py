"""How people write the names of languages, and what they are told where no language is named so."""

import pytest

from glotsmith.errors import UsageError, close_name
from glotsmith.languages import names, resolve
from glotsmith.languages.card import get
from glotsmith.languages.spelling import label_language


@pytest.mark.parametrize(
    ("written", "language"),
    [
        ("OCaml", "ocaml"),
        ("js", "javascript"),
        ("c++", "cpp"),
        ("C++17", "cpp"),
        ("C#", "csharp"),
        ("golang", "go"),
        ("Common Lisp", "commonlisp"),
        ("common-lisp", "commonlisp"),
        ("Common_Lisp", "commonlisp"),
        ("ts", "typescript"),
        ("rb", "ruby"),
        ("Node.js", "javascript"),
        (".hs", "haskell"),
        (" R ", "r"),
        ("c", "c"),
        ("C", "c"),
        ("d", "d"),
        ("rkt", "racket"),
        ("Python3", "python"),
    ],
)
def test_a_language_has_many_spellings(written: str, language: str) -> None:
    assert resolve(written) == language


@pytest.mark.parametrize("name", names())
def test_id_display_name_fences_and_extension_name_the_language(name: str) -> None:
    card = get(name)
    spellings = (name, card.display, *card.fences, card.extension)
    assert {label_language(s) for text in spellings for s in (text, text.upper(), f" {text} ")} == {name}


@pytest.mark.parametrize(
    ("written", "suggested"),
    [
        ("ocmal", "ocaml"),
        ("jula", "julia"),
        ("javscript", "javascript"),
        ("typscript", "typescript"),
        ("haskel", "haskell"),
    ],
)
def test_a_typo_gets_a_suggestion(written: str, suggested: str) -> None:
    with pytest.raises(UsageError, match=rf"named '{written}'; do you mean '{suggested}'\? There are: bash, c, "):
        resolve(written)


@pytest.mark.parametrize("written", ["klingon", "", "+", "c--", "x"])
def test_what_is_close_to_nothing_gets_the_list_only(written: str) -> None:
    with pytest.raises(UsageError, match=r"; there are: bash, c, "):
        resolve(written)


@pytest.mark.parametrize(
    ("given", "known", "close"),
    [
        ("low_covrage", ["low_coverage", "no_tests"], "low_coverage"),
        ("TRL_SFT", ["trl-sft", "trl-dpo"], "trl-sft"),
        ("sampels", ["samples", "suites"], "samples"),
        ("dedup", ["deduplicate", "dataset"], "deduplicate"),
        ("xy", ["xylophone"], ""),
        ("banana", ["samples", "suites"], ""),
    ],
)
def test_a_close_name_is_found(given: str, known: list[str], close: str) -> None:
    assert close_name(given, {name: name for name in known}) == close
