"""Whether a zstd file is whole, from the lengths of its blocks: nothing is unpacked.

DuckDB 2.0.1 takes the end of a file that was cut off between two blocks for the end of the table: of 200,000 rows it
read 188,354, without a word. The format is that of RFC 8878, section 3.1: frames of a header, blocks, and a checksum.
"""

from __future__ import annotations

from typing import BinaryIO

__all__ = ["is_whole"]

MAGIC = b"\x28\xb5\x2f\xfd"
SKIPPABLE, LENGTH = 0x184D2A50, 4  # of the last four bits any
DICTIONARY, CONTENT = (0, 1, 2, 4), (0, 2, 4, 8)  # bytes of two fields, by their flags
RLE, RESERVED = 1, 3


def is_whole(file: BinaryIO) -> bool:
    """Whether the file, at its beginning, consists of whole frames.

    >>> import io
    >>> empty = MAGIC + bytes([0x20, 0, 1, 0, 0])
    >>> is_whole(io.BytesIO(empty)), is_whole(io.BytesIO(empty[:-1])), is_whole(io.BytesIO(empty * 2))
    (True, False, True)
    """
    size = file.seek(0, 2)
    file.seek(0)
    frames = 0
    while file.tell() < size:
        if not _skipped(file) or file.tell() > size:
            return False
        frames += 1
    return frames > 0


def _skipped(file: BinaryIO) -> bool:
    """Go to the end of a frame; False if there is none, or no end of it."""
    magic = file.read(len(MAGIC))
    if len(magic) == LENGTH and int.from_bytes(magic, "little") & ~0xF == SKIPPABLE:
        length = file.read(LENGTH)
        file.seek(int.from_bytes(length, "little"), 1)
        return len(length) == LENGTH
    descriptor = file.read(1)
    if magic != MAGIC or not descriptor:
        return False
    flags = descriptor[0]
    single, content = bool(flags & 0x20), flags >> 6
    file.seek((not single) + DICTIONARY[flags & 3] + (CONTENT[content] or int(single)), 1)
    last = False
    while not last:
        header = file.read(3)
        if len(header) < 3:
            return False
        block = int.from_bytes(header, "little")
        last, kind = bool(block & 1), block >> 1 & 3
        if kind == RESERVED:
            return False
        file.seek(1 if kind == RLE else block >> 3, 1)
    file.seek(4 if flags & 4 else 0, 1)
    return True
