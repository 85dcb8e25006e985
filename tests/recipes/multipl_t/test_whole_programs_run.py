"""The recipe in Bash, whose programs run whole, and in C: a simulated teacher, from a function to rows that pass again.

The replies are hand-written, and the ``scripted`` teacher reads them out; no model has a part in them.
"""

import json
from pathlib import Path

import pytest

import glotsmith as gs
from glotsmith.drop_reasons import Reason
from glotsmith.errors import ToolchainError
from glotsmith.languages import toolchain
from glotsmith.records import Example
from glotsmith.run_folder import RunFolder

SOURCE = '''def weigh(weights: list[int], factor: int) -> int:
    """Return the sum of the weights, each multiplied by the factor.

    >>> weigh([1, 2], 3)
    9
    """
    total = 0
    for weight in weights:
        total += weight * factor
    return total
'''
C = """#include <stddef.h>

long weigh(long *weights, size_t weights_length, long factor) {
    long total = 0;
    for (size_t i = 0; i < weights_length; i++) total += weights[i] * factor;
    return total;
}"""
RIGHT = "read -r xs\nread -r k\ns=0\nfor x in ${xs//[][,]/ }; do ((s += x * k)); done\necho $s"
REPLIES = [
    "```bash\necho 9\n```",
    '```bash\nread -r xs\necho "the sum is 9"\n```',
    "A function:\n\n```bash\nweigh() { echo 9; }\n```",
    f"It reads two lines:\n\n```sh\n{RIGHT}\n```\n\nUsage:\n\n```console\nprintf '[1]\\n2\\n' | ./x\n```",
    f"{RIGHT}\nexit 1",
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        for language in ("bash", "c"):
            toolchain.find_toolchain(language)
    except ToolchainError as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("bash")
    (folder / "source.py").write_text(SOURCE)
    replies = {"bash": REPLIES, "c": ["```c\nlong weigh(void) { return 9; }\n```", f"```c\n{C}\n```"]}
    lines = [{"call": "translate", "item": "weigh", "language": name, "replies": r} for name, r in replies.items()]
    (folder / "replies.jsonl").write_text("\n".join(map(json.dumps, lines)))
    gs.run(
        "multipl-t",
        sources=[str(folder / "source.py")],
        languages=["bash", "c"],
        teacher="scripted",
        model=str(folder / "replies.jsonl"),
        output=folder / "run",
        options={"suites": 0, "samples": len(REPLIES), "wanted": 9, "typecheck": False},
    )
    return folder / "run"


def rows(run: Path) -> list[Example]:
    with RunFolder.open(run) as opened:
        return [item for _, item in opened.ledger.kept_items("dataset", Example)]


@pytest.mark.slow
def test_the_right_program_is_a_row_that_passes_again(made: Path) -> None:
    [row, _] = rows(made)
    assert (row.language, row.completion) == ("bash", RIGHT)
    assert row.tests[0] == "assert weigh([1, 2], 3) == 9"
    assert "# It reads the arguments from standard input, one JSON value in each line" in row.prompt
    request, reply = (message["content"] for message in row.messages)
    assert request.startswith(
        "Write a whole program in Bash that computes the Python function `weigh(weights: list[int],"
    )
    job = gs.Job(id="x", language="bash", code=row.prompt + row.completion, signature=row.signature, tests=row.tests)
    assert gs.verify([job])[0].status == "pass"
    rewarded = {"language": "bash", "signature": row.signature, "tests": list(row.tests), "prefix": row.prompt}
    assert gs.score([reply, "```bash\necho 9\n```"], [rewarded] * 2) == [1.0, 0.0]


@pytest.mark.slow
def test_a_function_in_c_is_a_row_that_passes_again(made: Path) -> None:
    [_, row] = rows(made)
    assert (row.language, row.prompt + row.completion) == ("c", row.prompt + C)
    job = gs.Job(id="x", language="c", code=C, signature=row.signature, tests=row.tests)
    assert gs.verify([job])[0].status == "pass"


@pytest.mark.slow
def test_wrong_programs_are_lost_with_their_first_failing_run(made: Path) -> None:
    with RunFolder.open(made) as opened:
        details = [r.detail for r in opened.ledger.dropped_rows("translate", Reason.FAILED_VERIFICATION)]
    assert len(details) == len(REPLIES) - 1 + 1
    assert any(detail.startswith("fail:compile") for detail in details)
    assert any("got stdout is not one JSON value: 'the sum is 9\\n'" in detail for detail in details)
    assert any(detail.startswith("fail:runtime") for detail in details)
