"""Make mutants of a program in any language, each with one small change.

``suites/mutants.py`` makes those of Python functions. The changes are rows of ``mutation.toml``. The grammar of the
language shows what is an operator, a condition or a statement, and a mutant that does not parse is not used. A language
without a grammar has mutants of single tokens.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Literal, NamedTuple

from glotsmith.languages.card import Card
from glotsmith.languages.grammar import SyntaxNode, syntax_tree
from glotsmith.languages.lexer import comment_syntax_of, split_code
from glotsmith.languages.mutation_rules import KINDS, MutantKind, MutationRules, mutation_rules
from glotsmith.languages.render import fill_template
from glotsmith.records import Record, content_hash

Method = Literal["grammar", "tokens"]  #: how the places of the changes were found

_NUMBER = re.compile(r"(\d+)(\.\d+)?([uUlLiIfF]\w*)?")
_TEXT = re.compile(r"string|comment|char|heredoc|regex|quoted")  #: kinds of nodes inside which nothing is an operator
_CODE_IN_TEXT = re.compile(r"interpolation|substitution|expansion")  #: kinds of nodes of code inside strings
_BLOCK = re.compile(
    r"block|body|compound|statements?$|chunk|program|source|braced|then|else|do\b|defun|sequence|list|unit"
)
_NO_BLOCK = re.compile(r"argument|parameter|expression_statement")
_EFFECT = re.compile(r"assign|expression_statement|break|continue|command|invocation|update|call")
_LAST = re.compile(r"assign|statement|break|continue")  #: kinds of effects that may be the last of their block
_NO_EFFECT = re.compile(r"decl|definition|import|package|return|function|class|let_|clause|if_|for_|while_|loop|block")
_ASSIGNING = frozenset(b"= <- <<- := += -= *= /= %= ++ --".split())
#: first words of statements that no mutant removes
_NOT_REMOVED = frozenset(b"return my let local const var val def if while for".split())
#: kinds of conditions whose parentheses are not a part of the condition
_CONDITION_IN_PARENTHESES = re.compile(r"paren|clause|condition")
_TOKEN = re.compile(r"\s+|\d+(?:\.\d+)?\w*|\w+|\S")
#: characters after which an operand follows, and no infix operator
_BEFORE_OPERAND = frozenset("([{,;:=<>+-*/%&|!")


class ProgramMutant(Record, frozen=True, kw_only=True):
    """A program with one change."""

    code: str
    kind: MutantKind
    line: int  #: line of the change, from 1
    change: str  #: the old text and the new one


class _Edit(NamedTuple):
    kind: MutantKind
    start: int  #: bytes
    end: int
    text: str


class _Place(NamedTuple):
    """A node with its neighbours."""

    node: SyntaxNode
    parent: SyntaxNode
    before: SyntaxNode | None
    later: tuple[SyntaxNode, ...]  #: the nodes after it


def mutation_method(card: Card) -> Method:
    """Return how the places of changes are found in a language."""
    return "tokens" if syntax_tree(card.name, "") is None else "grammar"


def mutate_program(card: Card, code: str, count: int) -> list[ProgramMutant]:
    """Return up to ``count`` mutants of a program, all different, of each kind in turn.

    The selection depends only on the program.
    """
    data, rules = code.encode("utf-8", "replace"), mutation_rules(card.name)
    tree = syntax_tree(card.name, code)
    try:
        edits = list(_edits(tree, data, rules)) if tree is not None else list(_token_edits(card, code, rules))
    except (RecursionError, ValueError):  # a tree is too deep, or a literal has too many digits
        return []
    found: dict[str, ProgramMutant] = {}
    for edit in _alternate_kinds(edits, code):
        if len(found) == count:
            break
        mutant = _mutant(data, edit)
        if mutant.code != code and mutant.code not in found and _still_parses(card, tree, mutant.code):
            found[mutant.code] = mutant
    return list(found.values())


def _alternate_kinds(edits: Sequence[_Edit], code: str) -> Iterator[_Edit]:
    """Yield the edits: one of each kind, then another of each, each time the one with the least hash."""
    by_hash = sorted(edits, key=lambda e: content_hash(code, str(e.start), str(e.end), e.text))
    groups = [[edit for edit in by_hash if edit.kind == kind] for kind in KINDS]
    return (edit for turn in zip_longest(*groups) for edit in turn if edit is not None)


def _mutant(data: bytes, edit: _Edit) -> ProgramMutant:
    changed = data[: edit.start] + edit.text.encode() + data[edit.end :]
    old = " ".join(data[edit.start : edit.end].decode("utf-8", "replace").split())
    return ProgramMutant(
        code=changed.decode("utf-8", "replace"),
        kind=edit.kind,
        line=data.count(b"\n", 0, edit.start) + 1,
        change=f"{old} → {' '.join(edit.text.split()) or 'nothing'}",
    )


def _still_parses(card: Card, tree: SyntaxNode | None, code: str) -> bool:
    """Return whether a mutant parses; True for every mutant if the grammar cannot parse the original program."""
    if tree is None or tree.error:
        return True
    mutated = syntax_tree(card.name, code)
    return mutated is not None and not mutated.error


# ------------------------------------------------------------------------------------------ syntax trees


def _edits(tree: SyntaxNode, data: bytes, rules: MutationRules) -> Iterator[_Edit]:
    for place in _places(tree):
        text = data[place.node.start : place.node.end].decode("utf-8", "replace")
        if not place.node.children:
            yield from _edits_of_token(place, text, rules)
            yield from _edits_of_condition(place, text, data, rules)
        yield from _edits_of_string(place, text)
        if place.parent is not tree:  # not a whole definition
            yield from _edits_of_statement(place, data, rules)


def _places(node: SyntaxNode, parents: tuple[SyntaxNode, ...] = ()) -> Iterator[_Place]:
    """Yield all nodes, except those inside a comment or a string.

    The nodes of code in a string (an interpolation) are yielded.
    """
    siblings = node.children
    for number, child in enumerate(siblings):
        place = _Place(child, node, siblings[number - 1] if number else None, siblings[number + 1 :])
        if len(siblings) == 1 and not child.children and parents:  # an operator in a node of its own
            place = _neighbours(child, (*parents, node))
        yield place
        if not _TEXT.search(child.kind):
            yield from _places(child, (*parents, node))
        else:
            yield from _places_in_text(child, (*parents, node))


def _places_in_text(node: SyntaxNode, parents: tuple[SyntaxNode, ...]) -> Iterator[_Place]:
    """Yield the nodes of the code that a string contains."""
    for child in node.children:
        inside = _places if _CODE_IN_TEXT.search(child.kind) else _places_in_text
        yield from inside(child, (*parents, node))


def _neighbours(leaf: SyntaxNode, parents: Sequence[SyntaxNode]) -> _Place:
    """Return a leaf with the neighbours of its outermost ancestor that contains nothing else."""
    inner, outer = leaf, parents[-1]
    for parent in reversed(parents):
        outer = parent
        if len(parent.children) > 1:
            break
        inner = parent
    number = next((n for n, child in enumerate(outer.children) if child is inner), 0)
    return _Place(leaf, outer, outer.children[number - 1] if number else None, outer.children[number + 1 :])


def _edits_of_token(place: _Place, text: str, rules: MutationRules) -> Iterator[_Edit]:
    """Yield the changes of an operator, a name or a number."""
    node = place.node
    if place.before is not None and place.later and text in rules.infix:
        kind, new = rules.infix[text]
        yield _Edit(kind, node.start, node.end, new)
    if place.before is None and place.later and text in rules.unary:
        yield _Edit("unary", node.start, node.end, rules.unary[text])
    yield from _edits_of_name_or_number(node.start, text, rules)


def _edits_of_name_or_number(start: int, text: str, rules: MutationRules) -> Iterator[_Edit]:
    if rules.name.get(text):
        yield _Edit("name", start, start + len(text.encode()), rules.name[text])
    if number := _NUMBER.fullmatch(text):
        whole, fraction, suffix = int(number[1]), number[2] or "", number[3] or ""
        if len(number[1]) > 1 and number[1][0] == "0":  # octal in some languages
            return
        for value in (whole + 1, whole - 1):
            if value >= 0:
                yield _Edit("constant", start, start + len(text), f"{value}{fraction}{suffix}")


def _edits_of_string(place: _Place, text: str) -> Iterator[_Edit]:
    """Yield a longer string in place of a string."""
    node = place.node
    quoted = len(text) > 1 and text[0] in "\"'" and text[-1] == text[0] and text[:3] != text[0] * 3
    if quoted and "string" in node.kind and "statement" not in place.parent.kind:
        yield _Edit("constant", node.start, node.end, f"{text[:-1]}x{text[-1]}")


def _edits_of_condition(place: _Place, word: str, data: bytes, rules: MutationRules) -> Iterator[_Edit]:
    """Yield the negation of the condition that a word or the mark ``?`` belongs to."""
    if word in rules.conditions:
        yield from _negating_edits(next((node for node in place.later if node.named), None), data, rules)
    elif word == "?" and place.before is not None and place.later:
        yield from _negating_edits(place.before, data, rules)
    elif word in rules.clauses:
        for clause in place.later:
            first = next((node for node in clause.children if node.named), None)
            if first is not None and data[first.start : first.end] not in (b"else", b"t"):
                yield from _negating_edits(first, data, rules)


def _negating_edits(condition: SyntaxNode | None, data: bytes, rules: MutationRules) -> Iterator[_Edit]:
    if condition is None:
        return
    text = data[condition.start : condition.end].decode("utf-8", "replace")
    brackets = [child.kind for child in (*condition.children[:1], *condition.children[-1:])] == ["(", ")"]
    # as in C, whose syntax requires the parentheses; the parentheses of a Lisp list are a part of the condition
    inside = brackets and _CONDITION_IN_PARENTHESES.search(condition.kind)
    new = f"({fill_template(rules.negation, **{'0': text[1:-1]})})" if inside else ""
    yield _Edit("branch", condition.start, condition.end, new or fill_template(rules.negation, **{"0": text}))


def _edits_of_statement(place: _Place, data: bytes, rules: MutationRules) -> Iterator[_Edit]:
    """Yield the removal of a statement that has an effect, unless the block returns its value."""
    node = place.node
    outer = place.parent.kind
    if _BLOCK.search(outer) and not _NO_BLOCK.search(outer) and _is_effect(node, data, rules):
        siblings = [child for child in place.parent.children if child.named and "comment" not in child.kind]
        if siblings[-1] is not node or _LAST.search(node.kind) or rules.effects or _assigns(node, data):
            yield _Edit("statement", node.start, node.end, rules.dropped)


def _is_effect(node: SyntaxNode, data: bytes, rules: MutationRules) -> bool:
    first_word = re.match(rb"\w*", data[node.start : node.end])
    if not node.named or not node.children or _NO_EFFECT.search(node.kind):
        return "break" in node.kind or "continue" in node.kind
    if first_word is not None and first_word[0] in _NOT_REMOVED:
        return False
    if rules.effects:
        words = [data[child.start : child.end].decode("utf-8", "replace") for child in node.children[1:2]]
        return any(re.fullmatch(rules.effects, word) for word in words)
    return _EFFECT.search(node.kind) is not None or _assigns(node, data)


def _assigns(node: SyntaxNode, data: bytes) -> bool:
    """Return whether a node is an assignment, also where the grammar calls it an operator."""
    tokens = {data[child.start : child.end] for child in node.children if not child.children}
    return bool(tokens & _ASSIGNING)


# ----------------------------------------------------------------------------------------------- tokens


def _token_edits(card: Card, code: str, rules: MutationRules) -> Iterator[_Edit]:
    """Yield the changes of single tokens outside of strings and comments."""
    start = 0
    before = ""
    for kind, piece in split_code(code, comment_syntax_of(card)):
        if kind == "code":
            for token in _tokens(piece, rules):
                yield from _edits_without_tree(start, token, before, rules)
                start += len(token.encode("utf-8", "replace"))
                before = token if token.strip() else before
            continue
        if kind == "string":
            before = piece
        start += len(piece.encode("utf-8", "replace"))


def _tokens(text: str, rules: MutationRules) -> Iterator[str]:
    """Split code into words, numbers, operators, other characters and blanks; their concatenation is the code."""
    signs = sorted((sign for sign in rules.infix if not sign[0].isalnum()), key=len, reverse=True)
    pattern = re.compile("|".join([*map(re.escape, signs), _TOKEN.pattern]))
    return (found[0] for found in pattern.finditer(text))


def _edits_without_tree(start: int, token: str, before: str, rules: MutationRules) -> Iterator[_Edit]:
    """Yield the changes of a token.

    A token after an opening bracket or an operator is not an infix operator, because no operand precedes it.
    """
    if token in rules.infix and before and before[-1] not in _BEFORE_OPERAND:
        kind, new = rules.infix[token]
        yield _Edit(kind, start, start + len(token.encode()), new)
    yield from _edits_of_name_or_number(start, token, rules)
