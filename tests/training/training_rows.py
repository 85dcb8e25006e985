"""Small rows to train on; hand-written, one problem a word."""

from collections.abc import Callable

from glotsmith.records import Example, Lineage, Origin, Preference
from glotsmith.training.training_report import TrainingReport

Train = Callable[..., TrainingReport]  #: the fixture ``train``

WORDS = ("alpha", "beta", "gamma", "delta", "omega", "sigma", "kappa", "theta", "zeta", "iota", "rho", "tau")
_LINEAGE = Lineage(teacher="hand-written")


def example(number: int, stage: int = 1) -> Example:
    word, added = WORDS[number], 7 * number + stage
    code = f"local function {word}(x)\n  return x + {added}\nend"
    head, _, body = code.partition("\n")
    return Example(
        id=f"{word}-{stage}",
        parallel_id=word,
        language="lua",
        name=word,
        messages=(
            {"role": "user", "content": f"Write {word}."},
            {"role": "assistant", "content": f"```lua\n{code}\n```"},
        ),
        prompt=f"-- {word}: add its number.\n{head}",
        completion=f"\n{body}",
        source="",
        signature=f"def {word}(x: int) -> int",
        tests=(f"assert {word}(1) == {added + 1}",),
        origin=Origin(source="tests", path="training_rows.py"),
        lineage=_LINEAGE,
        stage=stage,
    )


def preference(number: int) -> Preference:
    good = example(number)
    return Preference(
        id=f"pair-{number}",
        parallel_id=good.parallel_id,
        language="lua",
        prompt=good.messages[0]["content"],
        chosen=good.messages[1]["content"],
        rejected="```lua\nreturn nothing\n```",
        status="fail:compile",
        chosen_lineage=_LINEAGE,
        rejected_lineage=_LINEAGE,
    )


ROWS = [example(n) for n in range(len(WORDS))]
QUICK = {"batch": 4, "micro_batch": 4, "max_length": 128, "learning_rate": 3e-3, "warmup": 0, "packing": "none"}
