"""The interface of recipes: a record of options with the paper's numbers as defaults, and its steps; shared helpers."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, NamedTuple, Protocol, TypeVar

import msgspec

from glotsmith import languages
from glotsmith.budget import BudgetLimit
from glotsmith.errors import InputError, UsageError
from glotsmith.languages.lexer import CommentSyntax, comment_syntax_of
from glotsmith.ledger import Ledger, LedgerRow
from glotsmith.ledger_groups import LabelOf, RowGroup
from glotsmith.prompts import Prompt
from glotsmith.records import FunnelRow, Record
from glotsmith.sandbox.base import Sandbox
from glotsmith.selection.benchmark_overlap import BenchmarkIndex
from glotsmith.settings import invalid_value_message
from glotsmith.step import NodeCaller, Step, Verify, call_here
from glotsmith.teachers.base import Teacher
from glotsmith.teachers.chain import wrapped_chain
from glotsmith.teachers.wrappers import FailureRaisingTeacher
from glotsmith.verification.raising_verifier import RaisingVerifier

Item = TypeVar("Item", bound=Record)

# Types of options with their ranges; ``check_options`` states the ranges in its messages.
Natural = Annotated[int, msgspec.Meta(ge=0)]
Positive = Annotated[int, msgspec.Meta(ge=1)]
NgramSize = Annotated[int, msgspec.Meta(ge=2)]
NonNegative = Annotated[float, msgspec.Meta(ge=0)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
CpuSeconds = Annotated[float, msgspec.Meta(ge=0.001, le=3600)]  #: a CPU limit
LimitFactor = Annotated[float, msgspec.Meta(ge=1)]  #: CPU limit of a candidate / CPU time of the Python original
Expectation = Annotated[float, msgspec.Meta(gt=0, le=1)]  #: an expected number of rows from one reply
SimilarityThreshold = Annotated[
    float, msgspec.Meta(gt=0, le=1)
]  #: a threshold of ROUGE-L above which items are near-duplicates


class RecipeServices(msgspec.Struct, frozen=True):
    """The services that a recipe passes to its steps."""

    sandbox: Sandbox
    verifier: Verify
    teacher: Teacher
    seed: int = 0
    ledger: Ledger | None = None  #: the ledger of the run, for recipes whose steps depend on earlier outcomes
    folder: Path = Path()  #: folder that relative paths of sources are relative to
    own_prompts: Mapping[str, Prompt] = {}  #: name in ``Recipe.prompts`` → the prompt that replaces it
    budget: Sequence[BudgetLimit] = ()  #: limits of the run, for policies that plan for them
    roles: Mapping[str, tuple[Teacher, ...]] = {}  #: role → its teachers, if they are not ``teacher``
    call: NodeCaller = call_here  #: calls a function on a node of the cluster, or here without a cluster
    node_count: int = 1  #: number of machines that run programs
    recorded: bool = False  #: whether a ledger has the results of all steps except each ``WholeStep``

    def __post_init__(self) -> None:
        """Hide failures of the teacher and of the machine from steps, since the pipeline runner handles them."""
        roles = {role: wrapped_chain(teachers) for role, teachers in self.roles.items()}
        msgspec.structs.force_setattr(self, "roles", roles)
        msgspec.structs.force_setattr(self, "teacher", FailureRaisingTeacher(self.teacher))
        msgspec.structs.force_setattr(self, "verifier", RaisingVerifier(self.verifier))

    def teachers_of(self, role: str) -> tuple[Teacher, ...]:
        """Return the teachers of a role, at least one, in the order in which they receive requests."""
        return self.roles.get(role) or (self.teacher,)

    def require_toolchains(self, names: Iterable[str]) -> None:
        """Check before the first request that the toolchains of the languages are on this machine.

        Raises:
            ToolchainError: A toolchain is missing.

        """
        for name in () if self.recorded else names:
            languages.toolchain.find_toolchain(name)


class FinalSteps(NamedTuple):
    """The last steps of a recipe: they select and make rows, without a teacher and without execution."""

    after_step: str  #: name of the step before them
    input_type: type[Record]  #: type of the items that this step keeps
    steps: Sequence[Step[Any, Any]]


class LedgerReader(Protocol):
    """The part of a ledger that is needed to read results (``Ledger``, ``partial.PartialLedger``)."""

    @property
    def steps(self) -> tuple[str, ...]:
        """The names of the steps, in order."""
        ...

    def kept_items(self, step: str, type: type[Item], /) -> Iterator[tuple[str, Item]]:
        """Yield the key and the item of everything that a step kept, in order of position."""
        ...

    def kept_rows(self, step: str, /) -> Iterator[LedgerRow]:
        """Yield the rows of everything that a step kept, in order of position."""
        ...

    def dropped_rows(self, step: str | None = None, reason: str | None = None, /) -> Iterator[LedgerRow]:
        """Yield the rows of everything that was dropped or lost, in order of position."""
        ...

    def funnel(self) -> list[FunnelRow]:
        """Return the counts of each step."""
        ...

    def count_by_label(self, label_of: LabelOf, /) -> Iterator[RowGroup]:
        """Yield the number of rows for each step, status, reason and label."""
        ...


class Recipe(Protocol):
    """A record whose fields are the recipe's options; ``docs/recipes`` describes them."""

    title: ClassVar[str]  #: the result of the recipe, in one line
    reads: ClassVar[tuple[str, str]]  #: the units of the first step: a noun, and its definition
    paper: ClassVar[str]
    limit_option: ClassVar[str]  #: the option that limits the number of source items (``--preview`` sets it)
    row_noun: ClassVar[str]  #: the noun for a row in the summary of a run, in the singular

    @property
    def pilot_before(self) -> str:
        """The first step that costs much: a pilot samples the items before it.

        Raises:
            UsageError: A sample of the items cannot show what the run costs.

        """
        ...

    @property
    def roles(self) -> tuple[str, ...]:
        """The kinds of requests that can each have their own teachers: ``translate``, ``agents.lua``."""
        ...

    def prompts(self) -> Mapping[str, Prompt]:
        """Return the prompts of the recipe in its style, by the names that ``--prompt`` takes."""
        ...

    def steps(self, services: RecipeServices) -> Sequence[Step[Any, Any]]:
        """Return the steps in order; the output of the last one is ``Example``."""
        ...

    def final_steps(self, ledger: Ledger) -> FinalSteps:
        """Return the last steps, which make the rows of an unfinished run from its current ledger."""
        ...

    @classmethod
    def findings(cls, ledger: LedgerReader) -> dict[str, str]:
        """Return the other measurements of a run: title → sentence."""
        ...


def require_model(services: RecipeServices, roles: Iterable[str], recipe: str) -> None:
    """Refuse the teacher ``offline`` in these roles, since it does not answer prompts.

    Raises:
        UsageError: A teacher is ``offline``.

    """
    if any(teacher.name == "offline" for role in roles for teacher in services.teachers_of(role)):
        raise UsageError(
            f"the offline teacher only translates Python functions, but {recipe} needs a model: "
            "pass --teacher openai --model MODEL --base-url URL"
        )


def option_name(field: str) -> str:
    """Return an option of a recipe as a user types it, and its key in a TOML file."""
    flag = {"sources": "-s (--source)", "languages": "-l (--language)"}.get(field, f"--set {field}")
    return f"{flag}, or options.{field} in a TOML file,"


def check_options(recipe: Record) -> None:
    """Check that each option has a value that its type allows.

    Raises:
        UsageError: A value is not allowed or not finite; the message names the option as a user types it.

    """
    if wrong := invalid_value_message(type(recipe), msgspec.structs.asdict(recipe), option_name):
        raise UsageError(wrong)


def check_languages(
    option: str, names: Iterable[str], require: Callable[[str], object] = languages.require_typed_calls
) -> None:
    """Check that languages with these names exist, and that they support what the recipe requires.

    Args:
        option: The option that names the languages.
        names: The languages that it names.
        require: A function that raises UsageError for a language that is unknown or unsuitable.

    Raises:
        UsageError: A language is unknown or unsuitable; the message names the option as a user types it.

    """
    for name in names:
        try:
            require(name)
        except UsageError as error:
            raise UsageError(f"{option_name(option)} names {name!r}: {error}") from None


def comment_syntax() -> Mapping[str, CommentSyntax]:
    """Return the comment syntax of each language, by name."""
    return {name: comment_syntax_of(languages.get_card(name)) for name in languages.language_names()}


def load_overlap(benchmarks: Sequence[str], ngram: int) -> BenchmarkIndex | None:
    """Return the index of benchmark files; None without files. The index is cached until a file changes.

    Raises:
        InputError: A file is missing, or cannot be read.

    """
    if missing := next((name for name in benchmarks if not Path(name).is_file()), None):
        what = f"the benchmark file does not exist; correct {option_name('benchmarks')}"
        raise InputError.at(Path(missing), None, what)
    return (
        _load_overlap(tuple((name, *_size_and_mtime(Path(name))) for name in benchmarks), ngram) if benchmarks else None
    )


@lru_cache(maxsize=1)
def _load_overlap(files: tuple[tuple[str, int, int], ...], ngram: int) -> BenchmarkIndex:
    return BenchmarkIndex.from_files((Path(name) for name, *_ in files), comment_syntax(), n=ngram)


def _size_and_mtime(file: Path) -> tuple[int, int]:
    return file.stat().st_size, file.stat().st_mtime_ns
