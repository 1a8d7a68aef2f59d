"""No secret leaves in anything that is written."""

from __future__ import annotations

import pytest

from amo2gsheet import output_secrets
from amo2gsheet.output_secrets import redacted, register_secret


@pytest.fixture(autouse=True)
def _no_secret_known_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output_secrets, "_SECRETS", output_secrets._Secrets())


def test_a_registered_secret_is_struck_out_wherever_it_stands() -> None:
    register_secret("plum-canary-1")

    assert "before *** after, ***." == redacted("before plum-canary-1 after, plum-canary-1.")


def test_a_secret_that_begins_another_one_leaves_no_rest_of_it() -> None:
    register_secret("plum-canary")
    register_secret("plum-canary-and-more")

    assert "***" == redacted("plum-canary-and-more")


def test_a_secret_is_known_in_its_percent_encoded_form() -> None:
    register_secret("plum/canary+1=")

    assert "https://example.com/?secret=***" == redacted("https://example.com/?secret=plum%2Fcanary%2B1%3D")


@pytest.mark.parametrize("secret", ["", "abc", "1234567"])
def test_a_text_too_short_to_be_a_secret_blacks_out_nothing(secret: str) -> None:
    register_secret(secret)

    assert "abc 1234567" == redacted("abc 1234567")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Authorization: Bearer abcdefgh.ij_kl-mn", "Authorization: Bearer ***"),
        ("token eyJhbGciOi.eyJzdWIiOiI.c2lnbmF0dXJl ends", "token *** ends"),
        ("def50200" + "0a" * 40, "***"),
        ("ya29.a0Ab_cd-ef.gh", "***"),
        ('{"access_token": "0123456789", "expires_in": 86400}', '{"access_token": "***", "expires_in": 86400}'),
        ("client_secret=0123456789&grant_type=x", "client_secret=***&grant_type=x"),
        ("https://example.com/amo?code=0123456789&state=x", "https://example.com/amo?code=***&state=x"),
        ("-----BEGIN PRIVATE KEY-----\nMIIE\nabcd\n-----END PRIVATE KEY-----\nrest", "***\nrest"),
        ('"-----BEGIN RSA PRIVATE KEY-----\\nMIIEabcd', '"***'),
    ],
)
def test_what_looks_like_a_secret_is_struck_out_unregistered(text: str, expected: str) -> None:
    assert expected == redacted(text)


@pytest.mark.parametrize(
    "text",
    [
        'pull: lead 4711 статус "В процессе" → "У курера" (row 12)',
        "AMO_CLIENT_SECRET is missing: its secret key. Example: AMO_CLIENT_SECRET=SECRET-KEY",
        "amoCRM GET /api/v4/leads 200 31 ms",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert text == redacted(text)
