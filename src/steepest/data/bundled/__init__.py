"""The table that comes with the package: see README.md beside this file."""
