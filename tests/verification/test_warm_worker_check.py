import asyncio

import pytest

from glotsmith.records import Job, Verdict
from glotsmith.verification.warm_worker_check import WarmWorkerCheck


@pytest.mark.parametrize(
    ("statuses", "believed"),
    [
        ({"accepted": "pass", "wrong": "fail:wrong"}, True),
        ({"accepted": "fail:compile", "wrong": "fail:wrong"}, False),  # it cannot pass
        ({"accepted": "pass", "wrong": "pass"}, False),  # it cannot fail
        ({"accepted": "infra:sandbox", "wrong": "fail:wrong"}, False),
    ],
)
def test_a_warm_worker_must_be_able_to_pass_and_to_fail(statuses: dict[str, str], believed: bool) -> None:
    requests = list[str]()

    async def judge(job: Job) -> Verdict:
        requests.append(job.id)
        return Verdict(id=job.id, language=job.language, status=statuses[job.id])  # type: ignore[arg-type]

    async def found() -> list[bool]:
        warmth = WarmWorkerCheck(judge)
        return [
            *await asyncio.gather(warmth.is_trusted("lua"), warmth.is_trusted("lua")),
            await warmth.is_trusted("lua"),
        ]

    assert asyncio.run(found()) == [believed] * 3
    assert requests in (["accepted"], ["accepted", "wrong"])  # once, for all that ask
