"""The service against its own description: schemathesis sends what it describes, and what it does not."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks
from schemathesis.specs.openapi.checks import positive_data_acceptance

from glotsmith.records import Outcome, Program
from glotsmith.sandbox.base import ALL_PROMISES
from glotsmith.service.app import ENDPOINTS, build_app
from glotsmith.service.openapi import document
from glotsmith.service.state import Service, ServiceSettings
from serving import Serving

EXAMPLES = 40
QUICK = ("lua", "python", "perl")  #: compilers take seconds; what they make of programs is tested elsewhere
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
#: JSON Schema cannot say that a text is base64, a word has no NUL, a path is shown, a name is there but once.
EXCLUDED = [positive_data_acceptance]

load_all_checks()


class Silent:
    """A sandbox in which nothing runs."""

    name = "silent"
    promises = ALL_PROMISES

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    async def run(self, program: Program) -> Outcome:
        if self.error:
            raise self.error
        return Outcome(ending="exit")

    async def close(self) -> None:
        pass


def endpoints() -> list[Any]:
    service = Service(Silent(), ServiceSettings(jobs=1))
    return [endpoint for routes in ENDPOINTS for endpoint in routes(service)]


PATHS = [*[(e.path, e.method) for e in endpoints()], ("/openapi.json", "GET")]


@schemathesis.serializer("application/x-ndjson")
def lines(ctx: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


@pytest.fixture(scope="module")
def schema() -> Iterator[Any]:
    """The description of a live service that really runs programs."""
    served = Serving("--jobs", "2", "--queue", "64")
    yield schemathesis.openapi.from_url(f"{served.address}/openapi.json")
    assert served.stop() == 0
    assert "Traceback" not in "".join(served.output_lines)
    assert "failed" not in "".join(served.output_lines)


def fuzz(schema: Any, path: str, method: str, mode: GenerationMode, examples: int, **call: Any) -> Counter[int]:
    """Send examples, check every answer, and count the statuses."""
    seen, strategy = Counter[int](), schema[path][method.lower()].as_strategy(generation_mode=mode)

    @seed(20)
    @settings(  # it does not shrink: each try runs a program
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy)
    def send(case: Any) -> None:
        if isinstance(case.body, dict) and case.body.get("language") in known:
            case.body["language"] = QUICK[len(case.body["language"]) % len(QUICK)]
        reply = case.call(timeout=120, **call)
        seen[reply.status_code] += 1
        case.validate_response(reply, excluded_checks=EXCLUDED)

    known = {*document(endpoints(), token=False)["components"]["schemas"]["Job"]["properties"]["language"]["enum"]}
    send()
    return seen


@pytest.mark.slow
@pytest.mark.parametrize(("path", "method"), PATHS)
def test_the_service_is_as_it_says(schema: Any, path: str, method: str) -> None:
    """No 500, no status, type or form of an answer that is not described; and what is not described is refused."""
    seen = fuzz(schema, path, method, GenerationMode.POSITIVE, EXAMPLES)
    assert seen[200], seen
    assert not any(status >= 500 for status in seen), seen
    if method == "POST" and path != "/agnostics":  # there is no text that is no text
        refused = fuzz(schema, path, method, GenerationMode.NEGATIVE, EXAMPLES)
        assert {*refused} <= {400, 401, 413, 415, 422}, refused


@pytest.mark.slow
@pytest.mark.parametrize(("error", "found"), [(None, ""), (RuntimeError("a defect"), "a defect")])
def test_a_service_that_is_not_as_it_says_is_found_out(error: Exception | None, found: str) -> None:
    token = "s3cret"
    headers = {"Authorization": f"Bearer {token}"}

    async def made() -> Any:
        return build_app(Service(Silent(error), ServiceSettings(jobs=2, token=token)))

    schema = schemathesis.openapi.from_asgi("/openapi.json", asyncio.run(made()), headers=headers)
    assert schema.raw_schema["security"] == [{"token": []}]
    if found:
        with pytest.raises(RuntimeError, match=found):
            fuzz(schema, "/run", "POST", GenerationMode.POSITIVE, 5, headers=headers)
    else:
        assert fuzz(schema, "/run", "POST", GenerationMode.POSITIVE, 5, headers=headers)[200]


def test_every_endpoint_is_described() -> None:
    described = document(endpoints(), token=False)
    assert {(path, method.upper()) for path, there in described["paths"].items() for method in there} == {*PATHS} - {
        ("/openapi.json", "GET")
    }
    assert "security" not in described
    for path, there in described["paths"].items():
        for method, operation in there.items():
            assert operation["summary"], path
            assert "200" in operation["responses"]
            assert ("429" in operation["responses"]) == (method == "post")
    limits = described["components"]["schemas"]["Limits"]["properties"]
    assert (limits["cpu_s"]["minimum"], limits["cpu_s"]["maximum"]) == (0.001, 600.0)
    assert described["paths"]["/agnostics"]["post"]["description"].startswith(
        "A line is a [AgnosticsItem](#/components/schemas/AgnosticsItem)"
    )


def test_the_page_names_every_endpoint() -> None:
    page = (Path(__file__).parents[2] / "docs" / "service.md").read_text("utf-8")
    paths = [path for path, _ in PATHS if path != "/v1/ping"]
    assert [path for path in paths if f" {path}" not in page and f"`{path}`" not in page] == []
