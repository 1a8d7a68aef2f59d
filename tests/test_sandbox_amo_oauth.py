from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from amo2gsheet.sandbox.exchange import Answer, Request
from tests.amo_bench import START, Bench, body_of

DAY = 86_400


@pytest.fixture
def bench() -> Bench:
    return Bench()


def exchange(bench: Bench, grant_type: str, **changes: Any) -> Answer:
    oauth = bench.cloud.oauth
    asked = {
        "client_id": oauth.client_id,
        "client_secret": oauth.client_secret,
        "redirect_uri": oauth.redirect_uri,
        "grant_type": grant_type,
        **changes,
    }
    return bench.cloud.answer(Request("POST", "/oauth2/access_token", body=json.dumps(asked).encode()))


def by_code(bench: Bench, code: str, **changes: Any) -> Answer:
    return exchange(bench, "authorization_code", code=code, **changes)


def by_refresh(bench: Bench, token: str, **changes: Any) -> Answer:
    return exchange(bench, "refresh_token", refresh_token=token, **changes)


def refusal(answer: Answer) -> tuple[int, str]:
    body = body_of(answer)
    assert answer.headers["Content-Type"] == "application/json"
    assert body["type"] == "https://developers.amocrm.ru/v3/errors/OAuthProblemJson"
    assert "error" not in body
    return answer.status, body["hint"]


def claims(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return found


def works(bench: Bench, token: str) -> bool:
    bench.token = token
    return bench.get("account").status == 200


def test_a_code_becomes_a_pair_that_works(bench: Bench) -> None:
    answer = by_code(bench, bench.cloud.oauth.issue_code())

    body = body_of(answer)
    assert answer.headers["Content-Type"] == "application/json"
    assert list(body) == ["token_type", "expires_in", "server_time", "access_token", "refresh_token"]
    assert (body["token_type"], body["expires_in"], body["server_time"]) == ("Bearer", DAY, START)
    assert body["refresh_token"].startswith("def502")
    assert works(bench, body["access_token"])
    assert not works(bench, body["refresh_token"])


def test_an_access_token_is_a_signed_jwt_with_the_known_claims(bench: Bench) -> None:
    token = body_of(by_code(bench, bench.cloud.oauth.issue_code()))["access_token"]

    told = claims(token)
    assert told == {
        "aud": bench.cloud.oauth.client_id,
        "jti": told["jti"],
        "iat": START,
        "nbf": START,
        "exp": START + DAY,
        "sub": str(bench.account.owner_id()),
        "grant_type": "authorization_code",
        "account_id": bench.account.id,
        "base_domain": "amocrm.ru",
        "version": 2,
        "scopes": ["push_notifications", "files", "crm", "files_delete", "notifications"],
        "api_domain": "api-b.amocrm.ru",
    }
    signed, _, signature = token.rpartition(".")
    digest = hmac.new(bench.cloud.oauth.client_secret.encode(), signed.encode(), hashlib.sha256).digest()
    assert signature == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def test_a_code_lives_twenty_minutes_and_once(bench: Bench) -> None:
    used, kept, late = (bench.cloud.oauth.issue_code() for _ in range(3))
    by_code(bench, used)

    assert refusal(by_code(bench, used)) == (400, "Authorization code has been revoked")
    bench.clock.advance(20 * 60 - 1)
    assert by_code(bench, kept).status == 200
    bench.clock.advance(1)
    assert refusal(by_code(bench, late)) == (400, "Authorization code has expired")


def test_each_wrong_parameter_has_its_hint(bench: Bench) -> None:
    code = bench.cloud.oauth.issue_code()

    assert refusal(by_code(bench, "garbage")) == (400, "Cannot decrypt the authorization code")
    assert refusal(by_code(bench, bench.token)) == (400, "Cannot decrypt the authorization code")
    assert refusal(by_code(bench, "")) == (400, "Check the `code` parameter")
    assert refusal(by_code(bench, code, client_id="")) == (400, "Check the `client_id` parameter")
    assert refusal(by_code(bench, code, client_secret="")) == (400, "Check the `client_secret` parameter")
    wrong = "http://127.0.0.1:1/other"
    assert refusal(by_code(bench, code, redirect_uri=wrong)) == (400, "Redirect URI is not associated with client")
    assert exchange(bench, "password").status == 400
    bench.knobs.invalid_account = True
    assert refusal(by_code(bench, code)) == (400, "Invalid account")
    bench.knobs.invalid_account = False
    assert by_code(bench, code).status == 200


def test_a_wrong_secret_is_401_without_a_hint(bench: Bench) -> None:
    answer = by_code(bench, bench.cloud.oauth.issue_code(), client_secret="wrong")

    assert (answer.status, body_of(answer)["title"]) == (401, "Некорректный клиент")
    assert "hint" not in body_of(answer)


def test_a_body_that_is_no_json_counts_as_without_parameters(bench: Bench) -> None:
    answer = bench.cloud.answer(Request("POST", "/oauth2/access_token", body=b"client_id=1&client_secret=2"))

    assert refusal(answer) == (400, "Check the `client_id` parameter")
    assert bench.cloud.answer(Request("GET", "/oauth2/access_token")).status == 405


def test_a_refresh_token_gives_a_new_pair_once(bench: Bench) -> None:
    access, refresh = bench.cloud.oauth.issue_tokens()
    bench.clock.advance(10)

    new = body_of(by_refresh(bench, refresh))

    assert new["access_token"] != access
    assert new["refresh_token"] != refresh
    assert claims(new["access_token"])["exp"] == START + 10 + DAY
    assert works(bench, new["access_token"])
    assert works(bench, access)
    assert refusal(by_refresh(bench, refresh)) == (401, "Token has been revoked")
    assert refusal(by_refresh(bench, "garbage")) == (401, "Invalid refresh token")
    bench.knobs.refused_refresh_status = 400
    assert refusal(by_refresh(bench, refresh)) == (400, "Token has been revoked")
    assert by_refresh(bench, new["refresh_token"]).status == 200


def test_a_refresh_token_lives_three_months(bench: Bench) -> None:
    first, second = (bench.cloud.oauth.issue_tokens()[1] for _ in range(2))
    bench.clock.advance(90 * DAY - 1)
    assert by_refresh(bench, first).status == 200
    bench.clock.advance(1)

    assert refusal(by_refresh(bench, second)) == (401, "Token has expired")


def test_an_access_token_lives_a_day(bench: Bench) -> None:
    access, _ = bench.cloud.oauth.issue_tokens()
    bench.clock.advance(DAY - 1)
    assert works(bench, access)
    bench.clock.advance(1)
    assert not works(bench, access)

    answer = bench.get("account")
    assert (answer.status, answer.headers["Content-Type"]) == (401, "application/problem+json")
    assert body_of(answer) == {
        "title": "Unauthorized",
        "type": "https://httpstatus.es/401",
        "status": 401,
        "detail": "Invalid user name or password",
    }


def test_a_long_lived_token_lives_as_long_as_was_chosen(bench: Bench) -> None:
    token = bench.cloud.oauth.long_lived_token(days=30)

    assert claims(token)["exp"] == START + 30 * DAY
    bench.clock.advance(30 * DAY - 1)
    assert works(bench, token)
    bench.clock.advance(1)
    assert not works(bench, token)


def test_tokens_can_be_taken_back_one_by_one_or_all(bench: Bench) -> None:
    access, refresh = bench.cloud.oauth.issue_tokens()
    other, other_refresh = bench.cloud.oauth.issue_tokens()

    bench.cloud.oauth.revoke(access)
    bench.cloud.oauth.revoke(refresh)
    assert not works(bench, access)
    assert refusal(by_refresh(bench, refresh)) == (401, "Token has been revoked")
    assert works(bench, other)
    bench.knobs.token_revoked = True
    assert not works(bench, other)
    assert refusal(by_refresh(bench, other_refresh)) == (401, "Token has been revoked")


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer nonsense", "Basic abc"])
def test_a_request_without_a_good_token_is_401(bench: Bench, header: str) -> None:
    headers = {"authorization": header} if header else {}

    assert bench.cloud.answer(Request("GET", "/api/v4/account", headers=headers)).status == 401
    assert bench.cloud.answer(Request("GET", "/api/v4/nowhere", headers=headers)).status == 401


def test_expiry_follows_amo_s_clock_and_server_time_can_be_missing(bench: Bench) -> None:
    bench.knobs.clock_skew_seconds, bench.knobs.omit_server_time = -500, True

    body = body_of(by_code(bench, bench.cloud.oauth.issue_code()))

    assert "server_time" not in body
    assert claims(body["access_token"])["iat"] == START - 500


def test_the_consent_page_sends_code_state_and_account_back(bench: Bench) -> None:
    address = urlsplit(bench.cloud.oauth.redirect_after_consent("opaque"))
    told = {name: value for name, [value] in parse_qs(address.query).items()}
    refused = urlsplit(bench.cloud.oauth.redirect_after_consent("opaque", denied=True))

    assert f"{address.scheme}://{address.netloc}{address.path}" == bench.cloud.oauth.redirect_uri
    assert set(told) == {"code", "state", "referer", "platform"}
    assert (told["state"], told["referer"]) == ("opaque", "127.0.0.1:1234")
    assert by_code(bench, told["code"]).status == 200
    assert parse_qs(refused.query) == {"error": ["access_denied"], "state": ["opaque"]}


def test_a_refresh_token_tells_where_its_account_lives(bench: Bench) -> None:
    _, refresh = bench.cloud.oauth.issue_tokens()

    def asked(token: str) -> Answer:
        return bench.cloud.answer(Request("GET", "/oauth2/account/current/subdomain", headers={"x-refresh-token": token}))

    assert body_of(asked(refresh)) == {
        "id": bench.account.id,
        "subdomain": "sandbox",
        "domain": "127.0.0.1:1234",
        "top_level_domain": "ru",
    }
    assert asked("garbage").status == 401


def test_the_consent_page_asks_and_sends_the_browser_back(bench: Bench) -> None:
    oauth = bench.cloud.oauth
    asked = (("client_id", oauth.client_id), ("state", '"><b>'))

    page = bench.cloud.answer(Request("GET", "/oauth", asked))
    allowed = bench.cloud.answer(Request("GET", "/oauth", (*asked, ("answer", "allow"))))
    refused = bench.cloud.answer(Request("GET", "/oauth", (*asked, ("answer", "deny"))))

    assert (200, True) == (page.status, "&quot;&gt;&lt;b&gt;" in page.body.decode())
    assert (303, True) == (allowed.status, "code=def50200" in allowed.headers["Location"])
    assert "state=%22%3E%3Cb%3E" in allowed.headers["Location"]
    assert (303, True) == (refused.status, "error=access_denied" in refused.headers["Location"])
    assert 400 == bench.cloud.answer(Request("GET", "/oauth", (("client_id", "x"),))).status
    assert 405 == bench.cloud.answer(Request("POST", "/oauth", asked)).status
