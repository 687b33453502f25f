"""Markdown that does not depend on what stands in it."""

from collections.abc import Iterable, Sequence

GENERATED = "<!-- Made by tools/docs.py. Change the code it describes, then run `make docs`. -->"


def page(title: str, *parts: str) -> str:
    """A page: title, the mark of generated pages, then paragraphs, tables and sections with a blank line between them."""
    return "\n\n".join([f"# {title}", GENERATED, *(part.strip("\n") for part in parts if part)]) + "\n"


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [_row(heads), "|" + "---|" * len(heads)]
    lines += [_row(row) for row in rows]
    return "\n".join(lines)


def code(text: object) -> str:
    """Inline code, also of a text with backticks; empty stays empty."""
    plain = str(text)
    if not plain:
        return ""
    return f"`` {plain} ``" if "`" in plain else f"`{plain}`"


def block(text: str, language: str = "") -> str:
    return f"```{language}\n{text.strip()}\n```"


def _row(cells: Sequence[object]) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
