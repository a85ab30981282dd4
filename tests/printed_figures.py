"""The figures of a page of Markdown: numbers that somebody measured, each with the row of a table or the clause of a sentence that it stands in."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

NUMBER = re.compile(r"(?<![\w.,/@^-])[+-]?(?:\d(?:[\d,]*\d)?(?:\.\d+)?|\.\d+)(?![\w-]|[.,]\d)")
UNITS = "%|points|s|ms|µs|min|minutes|MB|GB|images/s|frames/s"
UNIT = re.compile(rf"(?:(?: to|,| and| or) [\d.]+)*\s?({UNITS})(?![\w/])")  # also of the first number in "15 to 17 %"
UNIT_OF_COLUMN = re.compile(rf", (?:{UNITS})$")
NO_TEXT = re.compile(  # comments; blocks of code, fenced or indented; headings; code; where a link leads; addresses
    r"<!--.*?-->|^```.*?^```|^    .*?$|^#.*?$|`[^`\n]*`|(?<=\])\([^)\n]*\)|<http[^>\n]*>", re.DOTALL | re.MULTILINE
)
HEADING = re.compile(r"^(#+) ")
CLAUSE = re.compile(r"(?<=[.;])\s")


@dataclass(frozen=True)
class Figure:
    """A number as it is printed."""

    line: int
    text: str  # "+0.079", "1,051"
    unit: str  # "%"; "" where it has none of those above
    column: str  # the heading of its column of a table; "" in a sentence

    @property
    def value(self) -> float:
        return float(self.text.replace(",", ""))

    @property
    def digits(self) -> int:
        """How many stand behind the point."""
        return len(self.text.partition(".")[2])


@dataclass(frozen=True)
class Claim:
    """A row of a table, or a clause of a sentence: its figures stand in one place of one file."""

    figures: tuple[Figure, ...]
    row: str  # the line that the first of them stands on
    sources: frozenset[str]  # where the links of its section lead


def claims_of(page: str, links: re.Pattern[str], apart: Mapping[str, str], settings: frozenset[str]) -> Iterator[Claim]:
    """Whatever has figures on a page.

    links : finds where a link leads, its first group
    apart : phrases of the page whose numbers nobody measured, and why
    settings : headings of columns that say what was chosen, not what came out
    """
    whole = page.splitlines()
    text = _without(_without(page, re.compile("|".join(map(re.escape, apart)) or r"(?!)")), NO_TEXT).splitlines()
    sources = _sources(whole, links)
    number = 0
    while number < len(text):
        end = number + 1
        table = whole[number].startswith("|")
        while end < len(text) and whole[end].strip() and whole[end].startswith("|") == table and not re.match(r"\s*[-*] ", whole[end]):
            end += 1
        found = _rows(text, number, end, settings) if table else _clauses(text, number, end)
        yield from (Claim(figures, whole[figures[0].line - 1], sources[figures[0].line - 1]) for figures in found if figures)
        number = end


def _without(page: str, pattern: re.Pattern[str]) -> str:
    """The page with all that the pattern finds blank, every other letter in its place."""
    return pattern.sub(lambda found: re.sub(r"[^\n|]", " ", found[0]), page)


def _sources(lines: list[str], links: re.Pattern[str]) -> list[frozenset[str]]:
    """Of each line, where the links of its section lead, and those of the sections around it before their first part."""
    starts = [(number, len(found[1])) for number, line in enumerate(lines) if (found := HEADING.match(line))]
    ends = [number for number, _ in starts[1:]] + [len(lines)]
    around: list[tuple[int, frozenset[str]]] = []
    sources = [frozenset[str]()] * len(lines)
    for (start, depth), end in zip(starts, ends, strict=True):
        around = [(other, found) for other, found in around if other < depth]
        around.append((depth, frozenset(links.findall("\n".join(lines[start:end])))))
        sources[start:end] = [frozenset().union(*(found for _, found in around))] * (end - start)
    return sources


def _clauses(text: list[str], start: int, end: int) -> Iterator[tuple[Figure, ...]]:
    """Of each clause of a paragraph its decimal numbers, and those with a unit."""
    paragraph = "\n".join(text[start:end])
    begin = 0
    for clause in CLAUSE.split(paragraph):
        yield tuple(
            Figure(start + 1 + paragraph.count("\n", 0, begin + found.start()), found[0], _unit(clause, found), "")
            for found in NUMBER.finditer(clause)
            if "." in found[0] or _unit(clause, found)
        )
        begin += len(clause) + 1


def _rows(text: list[str], start: int, end: int, settings: frozenset[str]) -> Iterator[tuple[Figure, ...]]:
    """Of each row of a table its decimal numbers, and those with a unit.

    In a table that has any, or a column with a unit, a whole number alone in a cell is one, too, but for the first column.
    """
    columns = _cells(text[start])
    rows = [(number + 1, _cells(text[number])) for number in range(start + 2, end)]
    figures = [
        (whole, Figure(line, found[0], _unit(cell, found), column))
        for line, cells in rows
        for place, (column, cell) in enumerate(zip(columns, cells, strict=True))
        for found in NUMBER.finditer(cell)
        if column not in settings
        for whole in ("." not in found[0] and not _unit(cell, found),)
        if not whole or (place > 0 and found[0] == cell)
    ]
    if any(map(UNIT_OF_COLUMN.search, columns)) or not all(whole for whole, _ in figures):
        for line, _ in rows:
            yield tuple(figure for _, figure in figures if figure.line == line)


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def _unit(text: str, number: re.Match[str]) -> str:
    found = UNIT.match(text, number.end())
    return found[1] if found else ""
