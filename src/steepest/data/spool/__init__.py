"""A table that is larger than memory: decoded once into raw columns on disk, and read from there as often as wanted.

    spooled = spool(source, numbers, texts, place)     columns.py  a column on disk: slices and lists of rows
                                                       writing.py  all columns, in the narrowest types that hold them
                                                       manifest.py what is there, written last: without it nothing is

A column on disk gives the same numbers as one in memory, whoever reads it, so a fit has the same bits. A spool belongs
to its inputs (size, time, inode and tail of each file) and to what was asked of them; a later run finds it by that.
"""
