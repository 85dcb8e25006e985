"""The KubeRay example is valid by the schema of its custom resource."""

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError
from typer.testing import CliRunner

yaml = pytest.importorskip("yaml")

HERE = Path(__file__).parent
EXAMPLE = HERE.parents[1] / "examples" / "ray_job.yaml"
SCHEMA = Draft202012Validator(json.loads((HERE / "ray_job_schema.json").read_text("utf-8")))


def example() -> Any:
    return yaml.safe_load(EXAMPLE.read_text("utf-8"))


def test_the_example_is_a_ray_job() -> None:
    document = example()
    SCHEMA.validate(document)
    assert (document["apiVersion"], document["kind"]) == ("ray.io/v1", "RayJob")


@pytest.mark.parametrize(
    ("path", "name", "value"),
    [
        ((), "entryPoint", "glotsmith"),
        ((), "backoffLimit", "three"),
        (("rayClusterSpec",), "workers", []),
        (("rayClusterSpec", "workerGroupSpecs", 0), "replicas", "four"),
        (("rayClusterSpec", "workerGroupSpecs", 0, "template", "spec", "containers", 0), "securityContex", {}),
        (("rayClusterSpec", "headGroupSpec", "rayStartParams"), "num-cpus", 0),
    ],
)
def test_the_schema_refuses_a_wrong_example(path: tuple[Any, ...], name: str, value: Any) -> None:
    document = example()
    place = document["spec"]
    for key in path:
        place = place[key]
    place[name] = value
    with pytest.raises(ValidationError):
        SCHEMA.validate(document)


def test_the_entrypoint_is_a_command_of_glotsmith() -> None:
    from glotsmith.cli import run  # noqa: F401 - adds the command
    from glotsmith.cli.app import app

    words = shlex.split(example()["spec"]["entrypoint"])
    assert words[:3] == ["glotsmith", "--quiet", "run"]
    result = CliRunner().invoke(app, ["run", "--help"], env={"COLUMNS": "300"})
    options = [word for word in words[3:] if word.startswith("--")]
    assert options and all(option in result.output for option in options)
