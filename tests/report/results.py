"""Make folders of evaluations and trainings for reports, without a model."""

import random
from pathlib import Path

import msgspec
from ledgers import HOSTILE

from glotsmith.evaluation import result_files
from glotsmith.evaluation.evaluate import Evaluation
from glotsmith.evaluation.evaluation_summary import summarise
from glotsmith.evaluation.questions import EvaluationSample, ImpossibleProblem, Question
from glotsmith.records import CaseVerdict, Verdict
from glotsmith.training.data import PreparedData, StageData
from glotsmith.training.presets import PRESETS
from glotsmith.training.training_report import LoggedLoss, StageReport, TrainingReport

FAILURES = ("fail:wrong", "fail:compile", "fail:runtime", "fail:no_code", "infra:sandbox")


def question(benchmark: str, language: str, problem: str) -> Question:
    return Question(benchmark=benchmark, problem=problem, language=language)


def sample(of: Question, number: int, status: str, text: str = "return 1") -> EvaluationSample:
    if status in ("fail:no_code", "infra:sandbox"):
        return EvaluationSample(question=of.id, sample=number, status=status, completion=text, detail="no code")
    cases = (CaseVerdict(status="pass", actual="[1]"), CaseVerdict(status=status, actual=text[:2000]))  # type: ignore[arg-type]
    verdict = Verdict(id=of.id, language=of.language, status=status, cases=cases, stderr=text[:2000], seconds=0.01)  # type: ignore[arg-type]
    return EvaluationSample(question=of.id, sample=number, status=status, completion=text, code=text, verdict=verdict)


def evaluation(folder: Path, seed: int, problems: int = 12, samples: int = 6, *, hostile: bool = False) -> Path:
    """An evaluation in two languages; the problems of another seed are the same, their verdicts are not."""
    chance, questions, found = random.Random(seed), list[Question](), list[EvaluationSample]()
    for language in ("lua", "ocaml"):
        for number in range(problems):
            of = question("bench", language, f"Problem/{number}")
            questions.append(of)
            skill = (number / problems) ** (1 + seed % 3)
            for index in range(samples):
                status = "pass" if chance.random() < skill else chance.choice(FAILURES)
                found.append(sample(of, index, status, f"local x = {number} -- {index}\nreturn x"))
    if hostile:
        of = question("bench", "lua", "Problem/" + HOSTILE[:40])
        questions.append(of)
        found.append(sample(of, 0, "fail:runtime", HOSTILE))
    lost = [ImpossibleProblem(benchmark="bench", problem="Problem/99", language="lua", reason="unusable", detail="x")]
    summary = summarise(questions, found, (1, 5), 0.95, lost)
    folder.mkdir(parents=True)
    config = {"teacher": '{"name":"scripted","model":"m"}', "plan": f'{{"seed":{seed}}}', "limit": "0"}
    evaluated = Evaluation(samples=tuple(found), summary=summary)
    result_files.write_evaluation(folder, questions, evaluated, config, ("a note",))
    return folder


def losses(start: float, steps: int, every: int) -> tuple[LoggedLoss, ...]:
    return tuple(LoggedLoss(step=step, loss=start / (1 + step / 20)) for step in range(every, steps + 1, every))


def training(folder: Path, start: float = 2.0) -> Path:
    """A finished training in two stages."""
    settings = PRESETS["general"]
    stages = tuple(
        StageReport(
            stage=number,
            steps=60,
            chosen_step=40,
            chosen_loss=losses(start, 60, 20)[1].loss,
            tokens=1234,
            seconds=9.0,
            training=losses(start, 60, 5),
            held_out=losses(start, 60, 20),
        )
        for number in (1, 2)
    )
    data = PreparedData(stages=tuple(_stage_data(number) for number in (1, 2)), held_out=("a", "b"))
    report = TrainingReport(
        method="sft",
        model=HOSTILE[:60],
        preset="general",
        settings=settings,
        data=data,
        stages=stages,
        device="1 x CPU",
    )
    (folder / "model").mkdir(parents=True)
    (folder / "model" / "training.json").write_bytes(msgspec.json.encode(report))
    write_settings(folder)
    return folder


def _stage_data(number: int) -> StageData:
    return StageData(stage=number, train=f"stage-{number}.arrow", rows=30, problems=10, hash="h")


def write_settings(folder: Path) -> None:
    settings = {"method": "sft", "model": HOSTILE[:60], "preset": "general", "how": {"batch": 2}}
    (folder / "settings.json").write_bytes(msgspec.json.encode(settings))


def unfinished_training(folder: Path) -> Path:
    """A training that was stopped in its second stage; its last checkpoint is incomplete."""
    (folder / "stages/1/model").mkdir(parents=True)
    first = StageReport(stage=1, steps=60, chosen_step=60, training=losses(2, 60, 5))
    (folder / "stages/1/model/stage.json").write_bytes(msgspec.json.encode(first))
    log = [{"step": 10, "loss": 1.5}, {"step": 10, "eval_loss": 1.75}, {"step": 20, "loss": 1.25}]
    for step, state in ((10, log[:2]), (20, log), (30, None)):
        place = folder / f"stages/2/checkpoints/checkpoint-{step}"
        place.mkdir(parents=True)
        if state is not None:
            content = {"global_step": step, "max_steps": 50, "log_history": state, "other": 1}
            (place / "trainer_state.json").write_bytes(msgspec.json.encode(content))
    write_settings(folder)
    return folder
