"""Every export is opened by its trainer's own loader where that installs here, and by schema elsewhere."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from dataset_rows import example

from glotsmith.datasets.exporters.formats import FORMATS
from glotsmith.datasets.exporters.trainer_folder import ExportContent, export
from glotsmith.records import Lineage, Preference

pytestmark = pytest.mark.slow
HERE = Path(__file__).parent
RIGHT = "```lua\nlocal function f(x)\n  return x\nend\n```"
WRONG = "```lua\nlocal function f(x)\n  return 2\nend\n```"
TRL = {"trl-sft": "sft", "trl-dpo": "dpo", "trl-kto": "kto", "trl-grpo": "grpo", "text": "text"}


def python(*arguments: object, tiny: Path | None = None) -> str:
    quiet = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_DISABLE_PROGRESS_BARS": "1", "TRANSFORMERS_VERBOSITY": "error"}
    quiet |= {"TINY_MODEL": str(tiny), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(command, env=os.environ | quiet, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All formats, of six problems in Lua, one of which is held out."""
    folder = tmp_path_factory.mktemp("exported")
    request = {"role": "user", "content": "Write f in Lua."}
    rows = [
        example(n, tests=("assert f(1) == 1",), messages=(request, {"role": "assistant", "content": RIGHT}))
        for n in range(6)
    ]
    lineage = Lineage(teacher="hand-written")
    pairs = [
        Preference(
            id=f"pair-{n}", parallel_id=f"p{n}", language="lua", prompt=request["content"], chosen=RIGHT,
            rejected=WRONG, status="fail:wrong", chosen_lineage=lineage, rejected_lineage=lineage,
        )
        for n in range(6)
    ]  # fmt: skip
    for name in FORMATS:
        export(name, ExportContent(lambda: rows, lambda: pairs, frozenset({"p5"})), folder / name)
    return folder


def test_load_dataset_opens_every_folder_with_its_types(exported: Path) -> None:
    found = json.loads(python(HERE / "loaders.py", "columns", *(exported / name for name in FORMATS)))
    for (name, format_), configs in zip(FORMATS.items(), found, strict=True):
        assert list(configs) == ["default", *(["preferences"] if len(format_.parts) > 1 else [])], name
        for part, splits in zip(format_.parts, configs.values(), strict=True):
            assert list(splits) == ["train", "validation"], name
            for features, row, count in splits.values():
                assert set(features) == set(row) == set(part.shape.columns), name
                assert count
    texts = [configs["default"]["train"][0] for configs in found]
    assert all(f["id"]["dtype"] == "string" for f in texts if "id" in f)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    code = (
        "import sys; from pathlib import Path; import tiny_model; "
        "from glotsmith.training.models import _read_template;"
        f"folder = tiny_model.make(Path(sys.argv[1]), [{RIGHT!r}]); "
        "(folder / 'chat_template.jinja').write_text(_read_template('chatml'))"
    )
    folder = tmp_path_factory.mktemp("tiny")
    subprocess.run([sys.executable, "-c", code, str(folder)], cwd=HERE.parent, check=True, capture_output=True)
    return folder


def test_one_step_of_trls_own_scripts(exported: Path, tiny: Path) -> None:
    configurations = [exported / name / f"{stem}.yaml" for name, stem in TRL.items()]
    found = json.loads(python(HERE / "loaders.py", "trained", *configurations, tiny=tiny).splitlines()[-1])
    assert [run["arguments"] for run in found] == [f"{x}Config" for x in ("SFT", "DPO", "KTO", "GRPO", "SFT")]
    assert all(run["weights"] for run in found)
    assert "'loss'" in found[0]["log"]
    assert "'rewards/code_reward/mean': '0'" in found[3]["log"]  # random text was judged, and earned nothing


def module(file: Path):
    spec = importlib.util.spec_from_file_location("exported_reward", file)
    assert spec and spec.loader
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def rows_of(file: Path) -> list[dict]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def test_verls_rows_earn_verls_reward(exported: Path) -> None:
    import pyarrow.parquet as pq

    reward = module(exported / "verl" / "reward.py")
    row = pq.read_table(exported / "verl" / "train.parquet").to_pylist()[0]
    truth = row["reward_model"]["ground_truth"]
    scores = [reward.compute_score(row["data_source"], s, truth, row["extra_info"]) for s in (RIGHT, WRONG)]
    assert scores == [1.0, 0.0]
    config = yaml.safe_load((exported / "verl" / "grpo.yaml").read_text())
    assert hasattr(reward, config["custom_reward_function"]["name"])
    assert config["data"]["val_files"] == "validation.parquet"


def test_openrlhfs_rows_earn_openrlhfs_reward(exported: Path) -> None:
    reward = module(exported / "openrlhf" / "reward.py")
    label = rows_of(exported / "openrlhf" / "train.jsonl")[0]["label"]
    prompts = [f"<|im_start|>user\nWrite f. Begin with:\n\n{WRONG}<|im_end|>\n<|im_start|>assistant\n"] * 3
    queries = [prompts[0] + RIGHT, prompts[1] + WRONG, f"<s>{prompts[2]}{RIGHT}<|im_end|><|endoftext|>"]
    earned = reward.reward_func(queries, prompts, [label] * 3)
    assert earned["rewards"].tolist() == earned["scores"].tolist() == [1.0, 0.0, 1.0]


@pytest.mark.parametrize(
    ("program", "result"),
    [  # what open-instruct's verifier cuts from a reply: what is between the fences, "python" aside
        ("lua\nlocal function f(x)\n  return x\nend", 1),
        ("local function f(x)\n  return x\nend", 1),
        ("lua\nlocal function f(x)\n  return 2\nend", 0),
        ("nonsense", 0),
    ],
)
def test_open_instructs_verifier_gets_its_answer(program: str, result: int, exported: Path) -> None:
    import httpx

    app = module(exported / "open-instruct" / "reward.py").app
    tests = rows_of(exported / "open-instruct" / "train.jsonl")[0]["ground_truth"]

    async def post(given: object) -> dict:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://endpoint") as client:
            request = {"program": program, "tests": given, "max_execution_time": 1.0}
            return (await client.post("/test_program", json=request)).json()

    import asyncio

    for given in (tests, json.loads(tests)):  # as text, or as the list that it says
        assert asyncio.run(post(given)) == {"results": [result], "runtimes": [0.0]}


def test_llamafactorys_entries_name_files_and_their_columns(exported: Path) -> None:
    folder = exported / "llamafactory"
    entries = json.loads((folder / "dataset_info.json").read_text())
    assert set(entries) == {f"glotsmith{x}" for x in ("", "_validation", "_preferences", "_preferences_validation")}
    for entry in entries.values():
        first = rows_of(folder / entry["file_name"])[0]
        assert set(entry["columns"].values()) <= set(first)
        message, tags = first["messages"][0], entry["tags"]
        assert message[tags["role_tag"]] == tags["user_tag"] and message[tags["content_tag"]]
        if entry.get("ranking"):
            assert first["chosen"][tags["role_tag"]] == tags["assistant_tag"]
    for file in ("llamafactory.yaml", "llamafactory-dpo.yaml"):
        config = yaml.safe_load((folder / file).read_text())
        assert {config["dataset"], config["eval_dataset"]} <= set(entries)
        assert (config["dataset_dir"], config["model_name_or_path"]) == (".", FORMATS["llamafactory"].model)


def test_axolotls_configuration_names_files_and_their_fields(exported: Path) -> None:
    folder = exported / "axolotl"
    for file, type_ in (("axolotl.yaml", "chat_template"), ("axolotl-dpo.yaml", "chat_template.default")):
        config = yaml.safe_load((folder / file).read_text())
        for dataset in (*config["datasets"], *config.get("test_datasets", ())):
            first = rows_of(folder / dataset["path"])[0]
            fields = {value for name, value in dataset.items() if name.startswith("field_")}
            assert dataset["type"] == type_ and fields <= set(first) and fields
            assert set(dataset["message_property_mappings"].values()) == set(first["messages"][0])


@pytest.mark.parametrize("name", ["openrlhf", "open-instruct"])
def test_a_trainers_script_is_a_script_and_names_the_columns(name: str, exported: Path) -> None:
    script = exported / name / "train.sh"
    subprocess.run(["sh", "-n", str(script)], check=True)
    first = rows_of(exported / name / "train.jsonl")[0]
    words = script.read_text().split()
    keys = [words[i + 1] for i, word in enumerate(words) if word.endswith("_key")]
    assert len(keys) >= 2 and set(keys) <= set(first)


def test_the_environment_of_verifiers_is_a_package(exported: Path) -> None:
    import ast
    import tomllib

    folder = exported / "verifiers"
    package = tomllib.loads((folder / "pyproject.toml").read_text())
    included = package["tool"]["hatch"]["build"]["targets"]["wheel"]["include"]
    assert set(included) == {"glotsmith_code.py", "train.jsonl", "validation.jsonl"}
    tree = ast.parse((folder / "glotsmith_code.py").read_text())
    classes = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    exported_names = next(n for n in tree.body if isinstance(n, ast.Assign) and n.targets[0].id == "__all__")  # type: ignore[attr-defined]
    assert set(ast.literal_eval(exported_names.value)) == {"CodeTaskset"} <= classes


@pytest.mark.parametrize("split", ["train", "validation"])
def test_openais_rules_for_chat_files(split: str, exported: Path) -> None:
    """The checks of OpenAI's own validation script: messages alone, known roles, text, an assistant's last word."""
    for row in rows_of(exported / "openai-ft" / f"{split}.jsonl"):
        assert set(row) == {"messages"}
        assert all(set(m) == {"role", "content"} and m["content"] for m in row["messages"])
        assert {m["role"] for m in row["messages"]} <= {"system", "user", "assistant"}
        assert row["messages"][-1]["role"] == "assistant"
