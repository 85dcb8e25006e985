"""Write distinct documented Python functions: ``python benchmarks/generated_functions.py COUNT FOLDER``.

The functions are a corpus for runs of any size that need no model: the teacher ``offline`` translates them. Names,
constants, statements and docstrings are random with a fixed seed, so that few functions are near-duplicates.
"""

import argparse
import random
from collections.abc import Iterator
from pathlib import Path

FUNCTIONS_PER_FILE = 200
_SPOKEN = "ba co di fu ga he ji ko lu me no pi qua ro si tu ve wo xa yu za bri cle dro fla gri"
_SYLLABLES = tuple(_SPOKEN.split())
_FORMS = ("numbers", "words", "counts", "pairs")


class FunctionGenerator:
    """Makes functions from the random numbers of one seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def function(self, number: int) -> str:
        """Return the source text of one function, with three doctests."""
        chosen = self._random
        name, form = f"{self._word()}_{self._word()}_{number}", chosen.choice(_FORMS)
        parameter, *others = self._distinct_words(4)
        annotation, returned, lines = getattr(self, f"_{form}")(parameter, *others)
        body = "\n".join(f"    {line}" for line in lines)
        head = f"def {name}({parameter}: {annotation}) -> {returned}:"
        scope: dict[str, object] = {}
        exec(f"{head}\n{body}", scope)
        doctests = [
            f"    >>> {name}({value!r})\n    {scope[name](value)!r}"  # type: ignore[operator]
            for value in (self._value(annotation) for _ in range(3))
        ]
        sentence = " ".join(self._word() for _ in range(chosen.randint(5, 9))).capitalize()
        return f'{head}\n    """{sentence}.\n\n' + "\n".join(doctests) + f'\n    """\n{body}\n'

    def _word(self) -> str:
        return "".join(self._random.choices(_SYLLABLES, k=self._random.randint(2, 4)))

    def _distinct_words(self, count: int) -> list[str]:
        words = dict[str, None]()
        while len(words) < count:
            words[self._word()] = None
        return list(words)

    def _integer(self) -> int:
        return self._random.randint(2, 97)

    def _value(self, annotation: str) -> list[int] | list[str]:
        count = self._random.randint(3, 7)
        if annotation == "list[int]":
            return [self._random.randint(-60, 120) for _ in range(count)]
        return [self._word() for _ in range(count)]

    def _change(self, result: str, item: str) -> str:
        """Return a statement that changes the integer ``result`` by the integer ``item``."""
        n, m = self._integer(), self._integer()
        return self._random.choice(
            [
                f"{result} += {item} * {n}",
                f"{result} -= {item} + {n}",
                f"{result} = {result} * {n} + {item} - {m}",
                f"{result} = max({result}, {item} + {n})",
                f"{result} = abs({result} - {item} * {m}) % {n * m}",
                f"{result} += ({item} + {n}) // {m}",
            ]
        )

    def _condition(self, item: str) -> str:
        n = self._random.randint(2, 9)
        return self._random.choice(
            [f"{item} % {n} == {self._random.randrange(n)}", f"{item} > {self._integer()}", f"{item} < {n}"]
        )

    def _numbers(self, parameter: str, result: str, item: str, _: str) -> tuple[str, str, list[str]]:
        """A sum with two branches over a list of numbers."""
        lines = [f"{result} = {self._integer()}", f"for {item} in {parameter}:"]
        lines += [f"    if {self._condition(item)}:", f"        {self._change(result, item)}"]
        lines += ["    else:", f"        {self._change(result, item)}"]
        lines += [f"    {self._change(result, item)}"] * self._random.randint(0, 1)
        return "list[int]", "int", [*lines, f"return {result}"]

    def _pairs(self, parameter: str, result: str, item: str, made: str) -> tuple[str, str, list[str]]:
        """A list of numbers that are made of a list of numbers."""
        lines = [f"{made} = []", f"{result} = {self._integer()}", f"for {item} in {parameter}:"]
        lines += [f"    {self._change(result, item)}", f"    if {self._condition(result)}:"]
        lines += [f"        {made}.append({result} - {self._integer()})"]
        return "list[int]", "list[int]", [*lines, f"return {made}"]

    def _words(self, parameter: str, result: str, item: str, _: str) -> tuple[str, str, list[str]]:
        """A text that is made of a list of words."""
        letter = self._random.choice("aeiou")
        lines = [f'{result} = "{self._word()}"', f"for {item} in {parameter}:"]
        lines += [f"    if {self._condition(f'len({item})')}:", f'        {result} += {item} + "{self._word()}"']
        lines += [f'    elif "{letter}" in {item}:', f'        {result} = {item} + {result} + "{self._word()}"']
        return "list[str]", "str", [*lines, f"return {result}"]

    def _counts(self, parameter: str, result: str, item: str, size: str) -> tuple[str, str, list[str]]:
        """A number that is computed from the lengths of words."""
        lines = [f"{result} = {self._integer()}", f"for {item} in {parameter}:", f"    {size} = len({item})"]
        lines += [f"    {self._change(result, size)}", f"    if {self._condition(result)}:"]
        lines += [f"        {self._change(result, size)}"]
        return "list[str]", "int", [*lines, f"return {result}"]


def generated_functions(count: int, seed: int = 0) -> Iterator[str]:
    """Yield functions, the same for the same seed."""
    generator = FunctionGenerator(seed)
    yield from (generator.function(number) for number in range(count))


def write_corpus(folder: Path, count: int, seed: int = 0) -> None:
    """Write functions into the files of a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    functions = list(generated_functions(count, seed))
    for start in range(0, count, FUNCTIONS_PER_FILE):
        text = "\n\n".join(functions[start : start + FUNCTIONS_PER_FILE])
        (folder / f"functions_{start:07}.py").write_text(f'"""Generated functions."""\n\n\n{text}', "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", type=int)
    parser.add_argument("folder", type=Path)
    chosen = parser.parse_args()
    write_corpus(chosen.folder, chosen.count)


if __name__ == "__main__":
    main()
