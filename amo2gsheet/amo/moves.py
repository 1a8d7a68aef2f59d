"""Moves of leads as batches: what amoCRM refuses is named and left out, the rest goes through. Decides about no lead."""

from __future__ import annotations

from collections.abc import Sequence

from amo2gsheet.amo.answers import RefusedError, refusals
from amo2gsheet.amo.http import AmoHttp
from amo2gsheet.amo.payload import moved, moves_body
from amo2gsheet.amo.shape import PayloadError
from amo2gsheet.exceptions import AmoGsheetError, ForbiddenError, UnclearOutcomeError
from amo2gsheet.model import Move, MoveAnswers

MOVES_A_REQUEST = 50
"""What amoCRM recommends at most for a write (its limit is 250)."""

_PATH = "/leads"
_NOTHING = MoveAnswers({}, {})


def move_all(http: AmoHttp, moves: Sequence[Move]) -> MoveAnswers:
    """Carry out moves, at most 50 a request.

    Raises:
        UnclearOutcomeError: a request was sent and no answer told what became of it; other moves of the call may have been
            carried out.
    """
    answers = _NOTHING
    for begin in range(0, len(moves), MOVES_A_REQUEST):
        answers = _then(http, answers, moves[begin : begin + MOVES_A_REQUEST])
    return answers


def _batch(http: AmoHttp, moves: Sequence[Move]) -> MoveAnswers:
    """amoCRM checks a batch as a whole: one bad item, and nothing of it is carried out."""
    try:
        body = http.patch(_PATH, moves_body(moves))
    except RefusedError as refused:
        named = refusals(refused.problem, moves)
        if not named:
            return _split(http, moves, refused.reason)
        rest = [move for move in moves if move.lead_id not in named]
        return _then(http, MoveAnswers({}, named), rest)
    except ForbiddenError as forbidden:
        return _split(http, moves, forbidden.message)
    try:
        return moved(body, moves)
    except PayloadError as error:
        raise UnclearOutcomeError(
            f"amoCRM's answer to a move of {len(moves)} leads could not be read: {error}.",
            "The next run looks before it asks again.",
        ) from error


def _split(http: AmoHttp, moves: Sequence[Move], reason: str) -> MoveAnswers:
    """The refusal names nobody, so halves tell whom it means."""
    if len(moves) == 1:
        return MoveAnswers({}, {moves[0].lead_id: reason})
    middle = len(moves) // 2
    return _then(http, _batch(http, moves[:middle]), moves[middle:])


def _then(http: AmoHttp, answers: MoveAnswers, moves: Sequence[Move]) -> MoveAnswers:
    """Carry out some more moves. Whatever stops them, it must not pass for "nothing was done" when something was."""
    if not moves:
        return answers
    try:
        more = _batch(http, moves)
    except AmoGsheetError as error:
        if not answers.moved or isinstance(error, UnclearOutcomeError):
            raise
        raise UnclearOutcomeError(f"Only a part of the moves was sent. {error.message}", error.hint) from error
    return MoveAnswers({**answers.moved, **more.moved}, {**answers.refused, **more.refused})
