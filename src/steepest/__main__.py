"""`python -m steepest`: the same as the command `steepest`."""

from steepest.cli import main

main(prog_name="steepest")
