"""`python -m amo2gsheet`, and where the installed program begins too."""

from __future__ import annotations

import signal


def main() -> None:
    """Load the program and run it. Ctrl-C while it loads ends it as quietly as SIGTERM does, without a traceback."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from amo2gsheet import cli

    cli.main()


if __name__ == "__main__":
    main()
