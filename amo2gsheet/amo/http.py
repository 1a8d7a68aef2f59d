"""Requests to amoCRM's API: authorised, tried again as often as is safe, their answers judged. Knows no leads."""

from __future__ import annotations

from amo2gsheet.amo.answers import Answer, RefusedError, TokenRefusedError, read
from amo2gsheet.amo.oauth import Tokens
from amo2gsheet.amo.tokens import LOG_IN
from amo2gsheet.amo.transport import Params, Transport
from amo2gsheet.exceptions import LoginError, UnavailableError, UnclearOutcomeError, UnreadableError
from amo2gsheet.retry import Retrier, TryFailedError

API = "/api/v4"

_MOST_REFUSALS = 5
"""The token at hand, those that other processes stored meanwhile, a fresh one; what comes after that is no accident."""


class AmoHttp:
    """GET, PATCH and POST below `/api/v4`; a body of None means that there is no content."""

    def __init__(self, transport: Transport, tokens: Tokens, retrier: Retrier) -> None:
        self._transport = transport
        self._tokens = tokens
        self._retrier = retrier

    def get(self, path: str, params: Params = ()) -> object:
        """Read. Safe to repeat.

        Raises:
            UnavailableError: no usable answer after all tries.
            UnreadableError: a refusal of the question itself.
            ForbiddenError: the token may not.
            LoginError: no token works.
        """
        try:
            return self._get(path, params, is_list=True)
        except RefusedError as refused:
            raise UnreadableError(f"{refused}.", "The question is wrong for this account; nothing was concluded.") from refused

    def get_one(self, path: str, params: Params = ()) -> object:
        """Read one thing by its ID; None: amoCRM says that there is none (204, or 404 in JSON). Errors as `get`."""
        try:
            return self._get(path, params, is_list=False)
        except RefusedError as refused:
            if refused.status == 404:
                return None
            raise UnreadableError(f"{refused}.") from refused

    def patch(self, path: str, body: object) -> object:
        """Write values that are the same when written twice.

        Raises:
            RefusedError: refused for its content, nothing was carried out.
            UnclearOutcomeError: no answer told whether it was carried out.
            UnavailableError: it surely was not; other errors as `get`.
        """
        return self._write("PATCH", path, body, is_repeatable=True)

    def post(self, path: str, body: object) -> object:
        """Make something new. Tried again only as long as it is certain that no try was carried out. Errors as `patch`."""
        return self._write("POST", path, body, is_repeatable=False)

    def _write(self, method: str, path: str, body: object, *, is_repeatable: bool) -> object:
        is_unclear = False

        def send() -> object:
            nonlocal is_unclear
            try:
                return self._once(method, path, body=body)
            except TryFailedError as failed:
                is_unclear |= failed.is_unclear
                raise

        try:
            return self._retrier.call(send, is_repeatable=is_repeatable)
        except TryFailedError as failed:
            raise (_unclear(failed.message) if is_unclear else _gave_up(failed)) from failed
        except (UnavailableError, LoginError) as error:
            # It ended the tries, but says nothing about an earlier one that got no answer.
            if is_unclear:
                raise _unclear(error.message.rstrip(".")) from error
            raise

    def _get(self, path: str, params: Params, *, is_list: bool) -> object:
        try:
            return self._retrier.call(lambda: self._once("GET", path, params, is_list=is_list), is_repeatable=True)
        except TryFailedError as failed:
            raise _gave_up(failed) from failed

    def _once(self, method: str, path: str, params: Params = (), body: object = None, *, is_list: bool = False) -> object:
        token = self._tokens.access_token()
        for _ in range(_MOST_REFUSALS):
            try:
                return read(self._send(method, path, params, body, token), is_list=is_list)
            except TokenRefusedError:
                token = self._tokens.after_refusal(token)
        raise LoginError("amoCRM refuses every token that is stored.", LOG_IN)

    def _send(self, method: str, path: str, params: Params, body: object, token: str) -> Answer:
        return self._transport.send(method, f"{API}{path}", params=params, body=body, token=token)


def _unclear(message: str) -> UnclearOutcomeError:
    return UnclearOutcomeError(f"{message}; what was sent may have been carried out or not.", "The next run looks first.")


def _gave_up(failed: TryFailedError) -> UnavailableError:
    return UnavailableError(f"{failed.message}.", "The next timer tick tries again.")
