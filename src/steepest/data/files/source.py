"""`open_source`: files as one table of rows in a fixed order, read as often as wanted, the same each time."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from steepest.data.files.cells import MISSING, tokens_of
from steepest.data.files.coder import REMEDY, Coder, Plan
from steepest.data.files.inputs import Input, Paths, change, check_unchanged, find_inputs
from steepest.data.files.layout import Layout, layout_of, one_table
from steepest.data.files.reading import blocks_of
from steepest.data.quoting import is_number, nearest, quoted
from steepest.data.row_blocks import RowBlock
from steepest.errors import DataError

__all__ = ["Source", "open_source"]

ROWS = 1 << 14  # of a block: with 30 columns of float64 4 MB, which stay in cache


@dataclass(frozen=True, slots=True)
class Source:
    """A table in files. See `steepest.data.files`.

    inputs     the files, in the order in which they are read
    names      of the columns, those of key=value folders last
    stored     the type of each as the files have it ("VARCHAR" of CSV and of folders)
    rows       how many there are; None of CSV, which nobody has counted
    shown      how messages call all of it
    notes      what is odd, though it can be read
    """

    inputs: tuple[Input, ...]
    names: tuple[str, ...]
    stored: tuple[str, ...]
    rows: int | None
    shown: str
    notes: tuple[str, ...] = ()
    tokens: frozenset[str] = MISSING
    threads: int | None = None
    memory: int | None = None
    layouts: tuple[Layout, ...] = field(default=(), repr=False)

    @property
    def form(self) -> str:
        """csv or parquet."""
        return self.inputs[0].form

    def stored_as(self, name: str) -> str:
        """The stored type of a column; DataError with the nearest names if there is none."""
        if name not in self.names:
            raise DataError(f"{self.shown} has no column {quoted(name)}: {nearest(name, self.names)}{self._headless()}")
        return self.stored[self.names.index(name)]

    def _headless(self) -> str:
        """What to do where the first line of a CSV file seems to hold values."""
        value = next((name for name in self.names if is_number(name)), None)
        if value is None or self.form != "csv":
            return ""
        return f"; {quoted(value)} looks like a value: if the file has no header, write the names in a first line"

    def changes(self) -> tuple[str, ...]:
        """What happened to the files since they were opened, a sentence for each that is not what it was."""
        return tuple(happened for one in self.inputs if (happened := change(one)) is not None)

    def batches(
        self,
        numbers: Sequence[str] = (),
        texts: Mapping[str, Collection[str]] | None = None,
        *,
        rows: int = ROWS,
        borrowed: bool = False,
        limit: int | None = None,
        remedy: str = REMEDY,
    ) -> Iterator[RowBlock]:
        """All rows in file order as blocks of at most `rows` rows with the columns asked for.

        `numbers` become float64, NaN where a value is missing. `texts` names columns with the levels known beforehand
        (none: `()`); they become `Coded`: int32 codes, -1 for missing, into `levels`, which begins with the known
        levels in the order given and grows at its end by whatever else occurs, in the order in which it occurs: a code
        keeps its meaning through the whole pass, and a code >= the number of known levels is unseen.

        With `borrowed` the arrays are views that are valid until the next block is asked for; otherwise they are yours.
        `limit` stops after so many rows; `remedy` says what to do about a text in the column `{name}` of numbers.

        Every file is checked to be the one that was opened, before and after it is read, and all of them at the end.
        Raises DataError, with file, line (CSV) or row (Parquet) and column, for what is neither a number nor missing in
        a column of numbers, and for what is no table.
        """
        texts = texts or {}
        for name in (*numbers, *texts):
            self.stored_as(name)
        coders = {name: Coder.of(name, known) for name, known in texts.items()}
        start = 0
        plan = Plan(tuple(numbers), coders, self.tokens, rows, borrowed, self.threads, self.memory, limit, remedy)
        for one, layout in zip(self.inputs, self.layouts, strict=True):
            check_unchanged(one)
            with closing(_told(one, blocks_of(one, layout, plan, start))) as blocks:
                for block in blocks:
                    yield block
                    start = block.start + block.m
                    if limit is not None and start >= limit:
                        return
            check_unchanged(one)
        for one in self.inputs:
            check_unchanged(one, thorough=False)


def _told(one: Input, blocks: Iterator[RowBlock]) -> Generator[RowBlock, None, None]:
    """The same blocks; what is wrong with a row of a file that changed meanwhile is no news, that it changed is."""
    try:
        yield from blocks
    except (DataError, OSError):
        check_unchanged(one)
        raise


def open_source(
    paths: Paths,
    *,
    missing: Collection[str] | None = None,
    threads: int | None = None,
    memory: int | None = None,
    shown: str | None = None,
) -> Source:
    """The table in a file, in several, in a folder, or on standard input ("-"); nothing but headers is read yet.

    `missing` are the texts that mean a missing value (`cells.MISSING` if not given, and none in Parquet; the empty cell
    of CSV always does); `threads` and `memory` (bytes) are what the reader may use; messages call the file `shown`.
    Raises DataError for what is no table: see `inputs.find_inputs` and `layout`.
    """
    inputs = find_inputs(paths, shown)
    layouts = tuple(layout_of(one) for one in inputs)
    names, stored = one_table(inputs, layouts)
    counts = [layout.rows for layout in layouts]
    rows = None if None in counts else sum(count for count in counts if count is not None)
    whole = inputs[0].shown if len(inputs) == 1 else f"{inputs[0].shown} and {len(inputs) - 1} more"
    tokens = tokens_of(missing)
    if missing is None and inputs[0].form == "parquet":
        tokens = frozenset()  # its missing values are nulls: texts are what they say
    notes = tuple(note for layout in layouts for note in layout.notes)
    return Source(inputs, names, stored, rows, whole, notes, tokens, threads, memory, layouts)
