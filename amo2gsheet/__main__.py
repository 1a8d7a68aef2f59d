"""The same program for `python -m amo2gsheet`."""

from __future__ import annotations

from amo2gsheet.cli import main

if __name__ == "__main__":
    main()
