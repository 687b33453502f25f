"""Conditions joined by `and`, and what of them an index of studies can answer by itself."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from heliograph.features.archive._rows import CUT

SCOPE: Final = "scope"


@dataclass(frozen=True, slots=True)
class Beginning:
    """Studies one of whose names begins with some letters, as one index finds them.

    column, letters: the range of the index. sql: what must hold besides, of columns that the index has.
    doubt: when a study that is found needs a second look.
    """

    column: str
    letters: str
    sql: str = "true"
    parameters: tuple[Any, ...] = ()
    doubt: str = "false"
    doubt_parameters: tuple[Any, ...] = ()

    def range(self) -> tuple[str, list[Any]]:
        return f"{self.column} >= %s and {self.column} < %s", [self.letters, self.letters + "\U0010ffff"]


@dataclass(slots=True)
class Where:
    """Conditions joined by `and`, with their parameters in order.

    grams: trigrams that the study must have, for the index of them.
    covers: conditions that every match satisfies and that the sort indexes of studies can answer by themselves, each with the column
    that it is a range of, "" when it is none, SCOPE when it says what the actor may see.
    is_unsure: the planner cannot know how many rows pass. is_bare: a condition has no cover, so that walking reads the table.
    either: two alternatives that make up one condition, each with an index of its own.
    begins: the alternatives of the condition on a name that begins with some letters. is_loose: another condition has no cover.
    """

    parts: list[str] = field(default_factory=list)
    parameters: list[Any] = field(default_factory=list)
    grams: set[int] = field(default_factory=set)
    covers: list[tuple[str, str, list[Any]]] = field(default_factory=list)
    is_unsure: bool = False
    is_bare: bool = False
    either: tuple[tuple[str, list[Any]], ...] = ()
    begins: tuple[Beginning, ...] = ()
    is_loose: bool = False

    def add(self, sql: str, *parameters: Any) -> None:
        self.parts.append(sql)
        self.parameters.extend(parameters)

    def cover(self, column: str, sql: str, *parameters: Any) -> None:
        self.covers.append((column, sql, list(parameters)))

    def __str__(self) -> str:
        return " and ".join(self.parts) if self.parts else "true"

    def joined(self, other: "Where") -> "Where":
        return Where([*self.parts, *other.parts], [*self.parameters, *other.parameters])

    @property
    def is_plain(self) -> bool:
        """Neither words nor modalities are asked for."""
        return not self.grams and not self.is_unsure and not any("search_text" in sql for _, sql, _ in self.covers)

    @property
    def is_dated(self) -> bool:
        """Narrowed by the date and by no identifier."""
        return {column for column, _, _ in self.covers} - {"", SCOPE} == {"st.study_date"}

    def by_index(self) -> "Where":
        """With the trigrams."""
        return self.joined(self.by_grams())

    def by_grams(self) -> "Where":
        """The trigrams as a condition that the index answers. As a sub-select the planner takes it for neither rare nor common: it
        believes trigrams to be independent, which those of one word are not."""
        if not self.grams:
            return Where()
        return Where(["st.search_grams @> (select %s::int4[])"], [sorted(self.grams)])

    def scope(self) -> "Where":
        """What the actor may see."""
        return self._of_covers(SCOPE)

    def covered(self, *columns: str) -> "Where":
        """What an index that has these columns can answer; all of them have the date."""
        return self._of_covers(SCOPE, "", "st.study_date", *columns)

    def ranges(self, *columns: str) -> "Where":
        """The ranges of these columns."""
        return self._of_covers(*columns)

    def _of_covers(self, *columns: str) -> "Where":
        fitting = [cover for cover in self.covers if cover[0] in columns]
        return Where([sql for _, sql, _ in fitting], [value for _, _, given in fitting for value in given])


def like_pattern(pattern: str) -> str:
    """LIKE with its own wildcards taken literally (trap 31)."""
    escaped = pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return escaped.replace("*", "%").replace("?", "_")


def cover_words(where: Where, runs: Iterable[str]) -> None:
    """Runs of folded letters that search_text has; one that was cut may have anything."""
    patterns = ["%" + like_pattern(run) + "%" for run in dict.fromkeys(runs) if run.strip(" ")]
    if patterns:
        tests = " and ".join(["st.search_text like %s"] * len(patterns))
        where.cover("", f"(({tests}) or st.search_text >= %s)", *patterns, CUT)
