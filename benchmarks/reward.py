"""1,000 completions in one call beside the pool itself: ``python benchmarks/reward.py [--completions 1000]``

The programs are those of ``soak.py``, as a model would say them: in fences, in chats, mixed languages, half of them
wrong. ``code_reward`` takes turns with a verifier of this process that has the same jobs, so that both have the same
machine; each side has as many programs at once. At the end stands the ratio of both throughputs, and how many rewards
were not what the programs earn.
"""

import argparse
import asyncio
import statistics
import sys
import time

from soak import jobs

from glotsmith.languages import get_card
from glotsmith.records import Job
from glotsmith.reward import close, code_reward
from glotsmith.sandbox import open_sandbox
from glotsmith.verification import Verifier
from glotsmith.verification.verifier import verify_all


def said(job: Job) -> list[dict[str, str]]:
    label = get_card(job.language).fences[0]
    text = f"Here is the function:\n\n```{label}\n{job.code}\n```\n\nIt does what you asked for."
    return [{"role": "assistant", "content": text}]


def rewarded(made: list[tuple[Job, str]]) -> tuple[float, int]:
    """Reward programs in one call; return programs a second, and how many rewards are wrong."""
    some = [job for job, _ in made]
    columns = {name: [getattr(job, name) for job in some] for name in ("language", "signature", "tests")}
    completions = [said(job) for job in some]
    begun = time.perf_counter()
    rewards = code_reward(prompts=[""] * len(some), completions=completions, faults="raise", **columns)
    rate = len(some) / (time.perf_counter() - begun)
    return rate, sum(r != (expect == "pass") for r, (_, expect) in zip(rewards, made, strict=True))


def judged(verifier: Verifier, made: list[tuple[Job, str]]) -> tuple[float, int]:
    """Judge programs by the pool alone; return programs a second, and how many verdicts are wrong."""
    begun = time.perf_counter()
    verdicts = asyncio.run(verify_all(verifier, [job for job, _ in made]))
    rate = len(made) / (time.perf_counter() - begun)
    return rate, sum(v.status != expect for v, (_, expect) in zip(verdicts, made, strict=True))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("languages", nargs="*", default=["lua", "python", "ocaml", "r", "perl", "ruby", "php"])
    parser.add_argument("--completions", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=4)
    given = parser.parse_args()
    made = jobs(given.languages, given.completions * given.repeats * 2)
    sandbox = open_sandbox()
    verifier, ratios, wrong = Verifier(sandbox), list[float](), 0
    first = jobs(given.languages, len(given.languages) * 2)
    rewarded(first), judged(verifier, first)  # compilers and workers start
    for repeat in range(given.repeats):
        at = repeat * 2 * given.completions
        halves = made[at : at + given.completions], made[at + given.completions : at + 2 * given.completions]
        if repeat % 2:
            pool, bad = judged(verifier, halves[1])
            ours, worse = rewarded(halves[0])
        else:
            ours, worse = rewarded(halves[0])
            pool, bad = judged(verifier, halves[1])
        ratios.append(ours / pool)
        wrong += bad + worse
        print(f"reward {ours:7.1f}/s  pool {pool:7.1f}/s  ratio {ratios[-1]:.2f}", flush=True)
    print(f"{given.completions} completions a call: ratio {statistics.median(ratios):.2f}, {wrong} wrong")
    close()
    asyncio.run(sandbox.close())
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
