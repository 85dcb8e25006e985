"""Compare the throughput of ``code_reward`` with that of the pool: ``python benchmarks/reward.py [--completions 1000]``

The programs are those of ``soak.py``, formatted as replies of a chat model: fenced, in several languages, half of them
wrong. ``code_reward`` and a verifier in this process judge the same number of programs in turn, so that other load
affects both. The last line is the ratio of both throughputs and the number of wrong rewards and verdicts.
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


def completion(job: Job) -> list[dict[str, str]]:
    label = get_card(job.language).fences[0]
    text = f"Here is the function:\n\n```{label}\n{job.code}\n```\n\nIt does what you asked for."
    return [{"role": "assistant", "content": text}]


def reward_programs(made: list[tuple[Job, str]]) -> tuple[float, int]:
    """Reward programs in one call; return programs per second, and the number of wrong rewards."""
    jobs_only = [job for job, _ in made]
    columns = {name: [getattr(job, name) for job in jobs_only] for name in ("language", "signature", "tests")}
    completions = [completion(job) for job in jobs_only]
    start = time.perf_counter()
    rewards = code_reward(prompts=[""] * len(jobs_only), completions=completions, faults="raise", **columns)
    rate = len(jobs_only) / (time.perf_counter() - start)
    return rate, sum(r != (expect == "pass") for r, (_, expect) in zip(rewards, made, strict=True))


def verify_programs(verifier: Verifier, made: list[tuple[Job, str]]) -> tuple[float, int]:
    """Verify programs with the pool; return programs per second, and the number of wrong verdicts."""
    start = time.perf_counter()
    verdicts = asyncio.run(verify_all(verifier, [job for job, _ in made]))
    rate = len(made) / (time.perf_counter() - start)
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
    reward_programs(first), verify_programs(verifier, first)  # starts compilers and workers
    for repeat in range(given.repeats):
        at = repeat * 2 * given.completions
        halves = made[at : at + given.completions], made[at + given.completions : at + 2 * given.completions]
        if repeat % 2:
            pool, bad = verify_programs(verifier, halves[1])
            ours, worse = reward_programs(halves[0])
        else:
            ours, worse = reward_programs(halves[0])
            pool, bad = verify_programs(verifier, halves[1])
        ratios.append(ours / pool)
        wrong += bad + worse
        print(f"reward {ours:7.1f}/s  pool {pool:7.1f}/s  ratio {ratios[-1]:.2f}", flush=True)
    print(f"{given.completions} completions per call: ratio {statistics.median(ratios):.2f}, {wrong} wrong")
    close()
    asyncio.run(sandbox.close())
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
