"""From text to tree: `study.site in principal.sites && !(study.restriction == 'staff')`.

Operators, loosest first: `||`, `&&`, then one of `== != < <= > >= in`, then `!`. Values: `true`, `false`, numbers, texts in
single or double quotes (a backslash before a quote or a backslash), lists in brackets. Functions: `overlaps(list, list)`,
`startsWith(text, text)`. Everything is bounded: length, depth, members.
"""

import re
from typing import NamedTuple, NoReturn

from heliograph.engine.rules.model import (
    FALSE,
    MAX_DEPTH,
    OPERATORS,
    TRUE,
    AllOf,
    AnyOf,
    Compare,
    Constant,
    In,
    Name,
    Node,
    Not,
    Overlaps,
    StartsWith,
    kind_of_value,
)
from heliograph.kit.errors import Invalid

MAX_CHARACTERS = 8_000
_TOKEN = re.compile(
    r"""\s*(?:(?P<number>-?[0-9]{1,19})|(?P<word>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)"""
    r"""|(?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|(?P<sign>&&|\|\||==|!=|<=|>=|[<>!()\[\],]))""",
    re.DOTALL,
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_FUNCTIONS: dict[str, type[Overlaps | StartsWith]] = {"overlaps": Overlaps, "startsWith": StartsWith}


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


def parse(text: str) -> Node:
    """Raises Invalid with the place of what cannot be read."""
    if len(text) > MAX_CHARACTERS:
        raise Invalid(f"a condition has {MAX_CHARACTERS} characters at most", code="rule_too_long")
    reader = _Reader(_tokens(text))
    node = reader.either(0)
    reader.end()
    return node


def _tokens(text: str) -> list[_Token]:
    tokens, at = [], 0
    end = len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise Invalid(f"the condition cannot be read at character {at + 1}", code="rule_unreadable", at=at)
        tokens.append(_Token(match.lastgroup, match.group(match.lastgroup), match.start(match.lastgroup)))
        at = match.end()
    tokens.append(_Token("end", "", end))
    return tokens


class _Reader:
    """Recursive descent; each level counts, so that no text can exhaust the stack."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._next = 0

    def either(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise Invalid(f"a condition is nested {MAX_DEPTH} levels deep at most", code="rule_too_deep")
        parts = [self._both(depth)]
        while self._take("||"):
            parts.append(self._both(depth))
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def end(self) -> None:
        if self._here.kind != "end":
            self._fail("the end")

    def _both(self, depth: int) -> Node:
        parts = [self._comparison(depth)]
        while self._take("&&"):
            parts.append(self._comparison(depth))
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))

    def _comparison(self, depth: int) -> Node:
        left = self._single(depth)
        for operator in OPERATORS:
            if self._take(operator):
                return Compare(operator, left, self._single(depth))
        if self._here == ("word", "in", self._here.at):
            self._next += 1
            return In(left, self._single(depth))
        return left

    def _single(self, depth: int) -> Node:
        negated = False
        while self._take("!"):
            negated = not negated
        node = self._primary(depth)
        return Not(node) if negated else node

    def _primary(self, depth: int) -> Node:
        token = self._here
        if self._take("("):
            node = self.either(depth + 1)
            self._need(")")
            return node
        if self._take("["):
            return self._list()
        if token.kind in {"number", "text"}:
            return self._value()
        if token.kind != "word":
            self._fail("a value, a name or a parenthesis")
        return self._word(depth)

    def _word(self, depth: int) -> Node:
        word = self._here.text
        self._next += 1
        if word in {"true", "false"}:
            return TRUE if word == "true" else FALSE
        if not self._take("("):
            return Name(word)
        function = _FUNCTIONS.get(word)
        if function is None:
            raise Invalid(
                f"there is no function {word}; there are: {', '.join(_FUNCTIONS)}",
                code="rule_unknown_function",
                word=word,
            )
        left = self.either(depth + 1)
        self._need(",")
        right = self.either(depth + 1)
        self._need(")")
        return function(left, right)

    def _list(self) -> Node:
        values: list[int | str] = []
        while not self._take("]"):
            if values:
                self._need(",")
            value = self._value().value
            assert isinstance(value, int | str)
            values.append(value)
        node = Constant(tuple(values))  # type: ignore[arg-type]  # of one kind: checked in the next line
        kind_of_value(node.value)
        return node

    def _value(self) -> Constant:
        token = self._here
        self._next += 1
        if token.kind == "number":
            value: int | str = int(token.text)
        elif token.kind == "text":
            value = _ESCAPED.sub(r"\1", token.text[1:-1])
        else:
            self._next -= 1
            self._fail("a number or a text")
        kind_of_value(value)
        return Constant(value)

    @property
    def _here(self) -> _Token:
        return self._tokens[self._next]

    def _take(self, sign: str) -> bool:
        if self._here.kind == "sign" and self._here.text == sign:
            self._next += 1
            return True
        return False

    def _need(self, sign: str) -> None:
        if not self._take(sign):
            self._fail(sign)

    def _fail(self, wanted: str) -> NoReturn:
        at = self._here.at
        raise Invalid(f"the condition wants {wanted} at character {at + 1}", code="rule_unreadable", at=at)
