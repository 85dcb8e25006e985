import pytest

from glotsmith.languages import get_card, language_names
from glotsmith.languages.extract_code import open_braces, restore_braces, stops_at_brace


@pytest.mark.parametrize(
    ("language", "code", "after", "missing"),
    [
        ("cpp", "int f() {\n    return 1;", "", 1),
        ("cpp", "int f() {\n    return 1;\n}", "", 0),
        ("cpp", "int f() {\n    return g(\"}\", '{'); // }}", "", 1),
        ("cpp", "int f() {\n    /* }\n} */ return 1;", "", 1),
        ("cpp", "int f() {\n    if (x) {\n        return 1;", "\n}\n", 1),
        ("java", "class Problem {\n    static long f() {\n        return 1;", "", 2),
        ("rust", "}\n}", "", 0),
    ],
)
def test_braces_are_put_back(language: str, code: str, after: str, missing: int) -> None:
    assert restore_braces(get_card(language), code, after) == code + "\n}" * missing


def test_stop_tokens_that_cut_braces() -> None:
    cut = {name for name in language_names() if stops_at_brace(get_card(name).syntax.stop)}
    assert cut == {"c", "cpp", "java", "kotlin", "rust", "scala", "swift"}


def test_depth_leaves_strings_out() -> None:
    assert open_braces('{ "{" { }') == 1
