import pytest

from glotsmith.errors import UsageError
from glotsmith.recipes.multipl_t.recipe import MultiPLT


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"languages": ()}, "at least one target language"),
        ({"languages": ("lua", "klingon")}, "klingon"),
        ({"time_limit_s": -1.0}, "time_limit_s, .* is -1.0; it must be 0 "),
        ({"time_limit_s": float("nan")}, "time_limit_s, .* is nan; it must be a number"),
        ({"time_limit_s": float("inf")}, "time_limit_s, .* is inf; it must be a number"),
    ],
)
def test_options_that_cannot_work_are_refused_in_a_sentence(options: dict[str, object], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        MultiPLT(sources=("x",), **options)  # type: ignore[arg-type]
