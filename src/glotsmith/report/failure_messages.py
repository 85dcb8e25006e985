"""Count failing programs by language and verdict, with the commonest messages of compilers and programs."""

from collections import Counter, defaultdict
from typing import Any

from glotsmith.recipes.failing_programs import FailingProgram

_MESSAGES = 8  #: largest number of messages that are shown for each language and verdict
_DISTINCT = 20_000  #: largest number of different messages that are counted, which bounds the memory


class FailureMessages:
    """Counts failing programs."""

    def __init__(self) -> None:
        self._totals = Counter[tuple[str, str]]()
        self._messages = Counter[tuple[str, str, str]]()
        self._examples: dict[tuple[str, str, str], str] = {}

    def add(self, program: FailingProgram) -> None:
        """Count one program."""
        self._totals[program.language, program.status] += 1
        name = (program.language, program.status, program.message)
        if program.message and (name in self._examples or len(self._examples) < _DISTINCT):
            self._messages[name] += 1
            self._examples.setdefault(name, program.key)

    def summary(self) -> list[dict[str, Any]]:
        """Return for each language and verdict the number of failing programs and their commonest messages."""
        common: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
        for name, count in self._messages.most_common():
            if len(common[name[:2]]) < _MESSAGES:
                example = {"message": name[2], "programs": count, "example": self._examples[name]}
                common[name[:2]].append(example)
        return [
            {"language": language, "status": status, "programs": count, "messages": common[language, status]}
            for (language, status), count in sorted(self._totals.items(), key=lambda one: (one[0][0], -one[1]))
        ]
