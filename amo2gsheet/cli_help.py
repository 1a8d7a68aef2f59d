"""What `--help` says, for somebody who has never seen the tool. A backspace keeps the lines of the block below it as they are."""

from __future__ import annotations

PROGRAM = """
Keep amoCRM leads and one Google Sheet tab in step.

Order managers work in amoCRM; couriers and packers work in the sheet. Each run looks at both sides, carries over what
changed, and ends; systemd timers or cron start it again.

New here? `amo2gsheet demo` shows the whole cycle in seconds, without any account. `amo2gsheet sandbox` lets you try the
commands by hand. Then write a `.env` with your own settings, and begin with `amo2gsheet auth`, `amo2gsheet inspect` and
`amo2gsheet pull --dry-run`.
"""

EXIT_CODES = """
\b
Exit codes:
  0    done
  1    a bug: unexpected error, with traceback
  2    wrong command line
  3    done, but something was left out or waits for a person; each is named
  4    looked, and the answer is no: a run failed or is too old; no such lead
  65   held back: too many changes at once; --force lets them through
  66   the sheet cannot be used
  69   amoCRM or Google did not answer; the next run tries again
  73   the state file cannot be used, or the answer cannot be written
  75   another run holds the lock
  77   login needed or refused
  78   a setting is missing or wrong
  130, 143   ended by Ctrl-C, by SIGTERM
"""

SHORT = {
    "auth": "Log in to amoCRM, and check the Google key and the sheet.",
    "inspect": "Show what the account holds and what the settings make of it.",
    "pull": "Carry amoCRM's changes into the sheet.",
    "push": "Carry the statuses that people picked into amoCRM.",
    "status": "Show how the runs are, and what waits for a person.",
    "history": "Show everything that was ever done to one lead.",
    "import-xlsx": "Bring the rows of an Excel workbook into amoCRM as leads.",
    "demo": "Show the whole cycle in seconds, without any account.",
    "sandbox": "Keep the demo's two clouds running, to try the commands.",
}
"""One line for each command, short enough for the list of all."""

AUTH = """
Log in to amoCRM once, and check the Google key and the sheet.

Prints the address of amoCRM's consent page and opens it where there is a browser. With a long-lived token there is
nothing to consent to: it is checked. Safe to repeat, and the first thing to do when something is refused. If another
installation served the sheet, this one takes it over.

\b
Examples:
  amo2gsheet auth
  amo2gsheet auth --code "https://example.com/amo?code=…&state=…"

Exit code 77 means that a login is needed or was refused, 66 that the sheet cannot
be used; `amo2gsheet --help` lists the others.
"""

INSPECT = """
Show what the account holds and what the settings make of it.

Pipelines with their stages, fields with their options, the columns of the sheet with what fills them, the settings in
use, and lines for the settings file that fit this account. It writes nothing.

\b
Examples:
  amo2gsheet inspect
  amo2gsheet inspect --lead 4711     one lead whole, customers' data included
  amo2gsheet inspect --leads 10 --users
  amo2gsheet inspect --json          for programs

Exit code 3 means that a part could not be read (it is named), 4 that there is no
such lead; `amo2gsheet --help` lists the others.
"""

PULL = """
Carry amoCRM's changes into the sheet.

A lead that reaches the trigger stage gets one row; later stages and changed fields follow. With nothing new, this
is one request to amoCRM and none to Google.

\b
Examples:
  amo2gsheet pull --dry-run     see first what would be written
  amo2gsheet pull               what a timer runs
  amo2gsheet pull --full        once a day: heal what drifted

Exit code 3 means that something was left out or waits for a person; `amo2gsheet --help` lists the others.
"""

PUSH = """
Carry the statuses that people picked in the sheet into amoCRM.

Each lead moves to the matching stage of its own pipeline. More moves at once than PUSH_LIMIT allows are held back
(exit code 65): a sheet sorted by one column only looks like that.

\b
Examples:
  amo2gsheet push --dry-run     see first which leads would move
  amo2gsheet push               what a timer runs
  amo2gsheet push --force       let held moves through

Exit code 3 means that something was left out or waits for a person; `amo2gsheet --help` lists the others.
"""

STATUS = """
Show how the runs are: whether `pull` and `push` do their work, what waits for a person, and what to do about it.

Reads the state file only: no cloud is asked, and no run is kept waiting.

\b
Examples:
  amo2gsheet status
  amo2gsheet status --max-age 2h
  amo2gsheet status --json

Exit code 4 means that the last run of one of them failed, or that its last success is older than --max-age.
"""

HISTORY = """
Show everything that was ever done to one lead, oldest first, with old and new values and the losing side of conflicts.

Reads the state file only.

\b
Examples:
  amo2gsheet history 4711
  amo2gsheet history 4711 --json

Exit code 4 means that nothing is known of that lead.
"""

IMPORT = """
Bring the rows of an Excel workbook into amoCRM as leads, exactly once each.

Every row is checked against the live account first; what cannot go in is named with row, column and reason, and the
rest goes in. Killed or cut off, just run it again: it finds out what is there, and sends only what is missing. What
became of each row stands in a result workbook beside the file, which can itself be imported again.

\b
Examples:
  amo2gsheet import-xlsx orders.xlsx --dry-run   check all, send nothing
  amo2gsheet import-xlsx orders.xlsx
  amo2gsheet import-xlsx orders.xlsx --sheet Март --tag "Заказы, март"

Exit code 3 means that rows were left out; `amo2gsheet --help` lists the others.
"""

DEMO = """
Show the whole cycle in seconds, without any account.

Both clouds run inside this program, on this machine only: leads arrive, a sheet fills, a courier picks statuses,
the leads move. It leaves no file behind.

\b
Example:
  amo2gsheet demo
"""

SANDBOX = """
Keep the demo's two clouds running, to try the commands by hand.

Prints the address of a page that shows the sheet and the leads, and the commands to try. Ctrl-C ends it.

\b
Examples:
  amo2gsheet sandbox
  amo2gsheet --env-file amo2gsheet-sandbox/.env pull
"""
