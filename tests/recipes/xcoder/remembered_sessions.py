"""Sessions that agents remember, for tests."""

from glotsmith.recipes.xcoder.memory import KEPT, RememberedSession
from glotsmith.recipes.xcoder.schedule import session_key

LANGUAGES = ("python", "lua", "ocaml")


def same_words(a: str, b: str) -> float:
    return float(bool(a) and a.split() == b.split())


def remembered(number: int, agent: str, target: str, **fields: object) -> RememberedSession:
    return RememberedSession(
        key=session_key(number), number=number, epoch=number // 2 + 1, agent=agent, target=target, **fields
    )


PAST = (
    remembered(0, "lua", "ocaml", others=("python",), name="f", signature="s", instruction="Do this. And more.",
         reference="code f", outcome=KEPT, passed=("lua", "ocaml")),
    remembered(1, "python", "lua", name="g", signature="s", instruction="Do that.", reference="code g",
         outcome="no_agreement", passed=("python",), failures={"lua": {"fail:wrong": 3, "fail:compile": 5}}),
    remembered(2, "lua", "python", outcome="empty_reply"),
)  # fmt: skip
