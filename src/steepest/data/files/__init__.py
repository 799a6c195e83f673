"""Tables in files, read strictly and typed: CSV (plain, gzip, zstd), Parquet, folders and partitions, standard input.

    source = open_source("data.parquet")            headers only; frozen
    source.names, source.stored, source.rows        columns, their stored types, rows if known
    source.batches(numbers, texts)                  a pass over all rows -> RowBlock (data/row_blocks.py)

What may be relied upon (the out-of-core fit is built on it):

- Rows come in file order, files in the order of `source.inputs`; the same blocks each time, whatever the number of
  threads. A block has at most `rows` rows (16,384 unless asked otherwise).
- A column of `numbers` is float64 with NaN where a value is missing. Infinite values and those beyond 1e152 come
  through: whoever fits refuses them (`gathering.gather` does, with their place).
- A column of `texts` is `Coded(codes, levels)`: int32, -1 for missing; `levels` starts with those given for the column,
  in that order, and grows at its end; a code never changes its meaning within a pass. With no levels given, a first
  look at 65,536 rows finds most of them, in sorted order.
- `borrowed=True` lends views that are valid until the next block; otherwise every array is the caller's.
- `block.place(i)` says in words where row i is: file and line of CSV, file and row of Parquet.
- Every pass checks that each file is the one that was opened (size, time, inode, last 64 KB); DataError if not.
"""

from steepest.data.files.inputs import Input
from steepest.data.files.source import Source, open_source

__all__ = ["Input", "Source", "open_source"]
