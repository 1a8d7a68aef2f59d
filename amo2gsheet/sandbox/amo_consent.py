"""The page on which a person lets an integration into the account, and the way back from it. No styles worth the name."""

from __future__ import annotations

import html

from amo2gsheet.sandbox.amo_oauth import OAuth
from amo2gsheet.sandbox.exchange import Answer, Request

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Sandbox: consent</title>
<body style="font: 18px sans-serif; margin: 4em auto; max-width: 40em">
<h1>Let the integration in?</h1><p>This is the sandbox's picture of amoCRM's consent page.</p>
<form action="/oauth"><input type="hidden" name="client_id" value="{client_id}">{state}
<button name="answer" value="allow">Allow</button> <button name="answer" value="deny">Refuse</button></form></body></html>
"""
_STATE = '<input type="hidden" name="state" value="{}">'
_HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


def consent(oauth: OAuth, request: Request) -> Answer:
    """`GET /oauth`: ask; with `answer` send the browser back to the integration."""
    client_id, state, answer = request.first("client_id"), request.first("state"), request.first("answer")
    if client_id != oauth.client_id:
        return _page(400, "<!doctype html><p>amoCRM knows no integration of this ID.</p>")
    if answer in ("allow", "deny"):
        return Answer(303, b"", {**_HEADERS, "Location": oauth.redirect_after_consent(state, denied=answer == "deny")})
    hidden = "" if state is None else _STATE.format(html.escape(state))
    return _page(200, _PAGE.format(client_id=html.escape(client_id), state=hidden))


def _page(status: int, text: str) -> Answer:
    return Answer(status, text.encode(), {**_HEADERS, "Content-Type": "text/html; charset=utf-8"})
