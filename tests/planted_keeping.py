"""Planted bugs of keeping: locks, tokens, the state file, secrets, the rate."""

from __future__ import annotations

from tests.planted_bug import Bug

BUGS: tuple[Bug, ...] = (
    Bug(
        "lock-not-taken",
        "1: two runs at once make a row each",
        "commands.py",
        """    lock.acquire(settings.lock_wait_seconds, clock, job.watcher.on_wait)
    try:""",
        """    try:""",
        ("tests/test_scenarios.py", "-k", "lock"),
    ),
    Bug(
        "token-saved-in-place",
        "5: a kill during the save leaves half a token, and a new login is needed",
        "amo/tokens.py",
        """            new.replace(self.path)
            _sync_folder""",
        """            self.path.write_bytes(new.read_bytes())
            _sync_folder""",
        ("tests/test_amo_oauth.py", "-k", "save"),
    ),
    Bug(
        "token-spent-before-there-is-room",
        "5: on a full disk the old refresh token is spent and the new one lost",
        "amo/oauth.py",
        """            self._file.reserve()
            self._pair = self._refreshed(pair)""",
        """            self._pair = self._refreshed(pair)""",
        ("tests/test_amo_oauth.py", "-k", "stored"),
    ),
    Bug(
        "token-refreshed-without-a-lock",
        "5: two runs spend one refresh token",
        "amo/oauth.py",
        """            if pair.access_token and pair.access_token != refused:
                self._pair = pair
                return pair
            if not pair""",
        """            if not pair""",
        ("tests/test_amo_oauth.py", "-k", "once"),
    ),
    Bug(
        "token-file-for-everybody",
        "10: another user of the machine can read the tokens",
        "amo/tokens.py",
        """                os.fchmod(descriptor, 0o600)""",
        """                os.fchmod(descriptor, 0o644)""",
        ("tests/test_amo_oauth.py", "-k", "401 or link or owner"),
    ),
    Bug(
        "state-file-for-everybody",
        "10: another user of the machine can read customers' data",
        "state/opening.py",
        """        if path.stat().st_mode & 0o077:
            path.chmod(0o600)""",
        """        path.chmod(0o644)""",
        ("tests/test_state_opening.py", "-k", "k6 or rights"),
    ),
    Bug(
        "secret-logged",
        "10: the token stands in the log",
        "amo/transport.py",
        """method, path, answer.status, milliseconds""",
        """method, path + token, answer.status, milliseconds""",
        ("tests/test_withstand_trouble.py", "-k", "log"),
    ),
    Bug(
        "value-logged",
        "10: names and phones stand in the log",
        "sync/telling.py",
        """SHOWN_COLUMNS = frozenset({"status", "pipeline"})""",
        """SHOWN_COLUMNS = frozenset({"status", "pipeline", "name", "phone"})""",
        ("tests/test_withstand_trouble.py", "-k", "changed_name"),
    ),
    Bug(
        "redirect-followed",
        "10: the token goes to whatever host an answer names",
        "amo/transport.py",
        """                allow_redirects=False,""",
        """                allow_redirects=True,""",
        ("tests/test_amo_http.py", "-k", "redirect"),
    ),
    Bug(
        "block-not-remembered",
        "6: a blocked account is asked again by every run",
        "amo/transport.py",
        """            self._stops.note_block()
""",
        "",
        ("tests/test_amo_http.py", "-k", "block"),
    ),
    Bug(
        "eight-requests-a-second",
        "6: amoCRM blocks the account",
        "amo/bucket.py",
        """REQUESTS_PER_WINDOW = 7
""",
        """REQUESTS_PER_WINDOW = 8
""",
        ("tests/test_amo_bucket.py", "-k", "seven"),
    ),
    Bug(
        "state-of-another-sheet-used",
        "3: bases of one sheet are held against another one",
        "commands.py",
        """    state.bind(settings.amo_base_url, settings.sheet_id)
""",
        "",
        ("tests/test_withstand_trouble.py", "-k", "another_sheet"),
    ),
    Bug(
        "damage-overlooked",
        "5: a torn state file ends every run",
        "state/opening.py",
        """        if not is_damage(error):
            raise
        found = Found.DAMAGED""",
        """        raise""",
        ("tests/test_state_opening.py", "-k", "damage"),
    ),
    Bug(
        "late-list-of-a-first-run",
        "2: what changes during a first run is never seen",
        "sync/gather.py",
        """        start = int(run.state.get("baseline_start") or min(newest, run.amo.server_time or newest))""",
        """        start = run.now + 3600""",
        ("tests/test_withstand_clouds.py", "-k", "date"),
    ),
)
