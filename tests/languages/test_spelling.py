"""How people write the names of languages, and what they are told where no language is named so."""

import pytest

from glotsmith.errors import UsageError, close_name
from glotsmith.languages import language_names, resolve_language
from glotsmith.languages.card import get_card
from glotsmith.languages.spelling import language_of_label


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
    assert resolve_language(written) == language


@pytest.mark.parametrize("name", language_names())
def test_id_display_name_fences_and_extension_name_the_language(name: str) -> None:
    card = get_card(name)
    spellings = (name, card.display, *card.fences, card.extension)
    assert {language_of_label(s) for text in spellings for s in (text, text.upper(), f" {text} ")} == {name}


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
        resolve_language(written)


@pytest.mark.parametrize("written", ["klingon", "", "+", "c--", "x"])
def test_what_is_close_to_nothing_gets_the_list_only(written: str) -> None:
    with pytest.raises(UsageError, match=r"; there are: bash, c, "):
        resolve_language(written)


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
