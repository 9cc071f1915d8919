"""What a platform's answer means, and how access tokens are had."""

from __future__ import annotations

import json
from urllib.parse import parse_qs

import jwt
import pytest
from platforms import APP_ID, BY_NAME, NOW, RSA_KEY

from bot.channels.messaging.authorise import LONGEST_LIFE, read_token, token_request
from bot.channels.messaging.credentials import Secrets
from bot.channels.messaging.outcome import Delivered, Outcome, Refused, Retry, outcome
from bot.errors import SettingsError


@pytest.mark.parametrize(
    ("name", "status", "headers", "body", "expected"),
    [
        ("slack", 200, {}, b'{"ok":true}', Delivered()),
        (
            "slack",
            200,
            {},
            b'{"ok":false,"error":"channel_not_found"}',
            Refused("channel_not_found"),
        ),
        ("slack", 200, {}, b'{"ok":false,"error":"internal_error"}', Retry()),
        ("slack", 200, {}, b"ok", Delivered()),
        ("slack", 429, {"retry-after": "30"}, b"", Retry(30.0)),
        ("telegram", 429, {}, b'{"ok":false,"parameters":{"retry_after":7}}', Retry(7.0)),
        ("telegram", 403, {}, b'{"ok":false,"description":"blocked"}', Refused("HTTP 403")),
        ("discord", 429, {}, b'{"retry_after":0.65,"global":false}', Retry(0.65)),
        ("discord", 404, {}, b"", Retry()),
        ("line", 409, {}, b"", Delivered(before=True)),
        ("line", 400, {}, b"", Refused("HTTP 400")),
        ("teams_bot", 412, {}, b"", Retry()),
        ("teams_bot", 502, {}, b"", Retry()),
        ("generic", 410, {}, b"", Refused("HTTP 410")),
        ("generic", 503, {"retry-after": "Fri, 15 Jan 2027 08:01:00 GMT"}, b"", Retry(60.0)),
        ("generic", 503, {"retry-after": "soon"}, b"", Retry()),
        ("generic", 503, {"retry-after": "nan"}, b"", Retry()),
        ("generic", 503, {"retry-after": "-5"}, b"", Retry(0.0)),
        ("generic", 503, {"retry-after": "1e99"}, b"", Retry(3600.0)),
        ("generic", 302, {}, b"", Refused("HTTP 302")),
        ("matrix", 500, {}, b"[" * 9999, Retry()),
    ],
)
def test_answers(
    name: str, status: int, headers: dict[str, str], body: bytes, expected: Outcome
) -> None:
    assert outcome(BY_NAME[name].channel.describe(), status, headers, body, NOW) == expected


def test_google_tokens_are_asked_for_with_a_signed_assertion() -> None:
    request = token_request("google", BY_NAME["googlechat"].secrets, NOW)
    assertion = parse_qs(request.body.decode())["assertion"][0]
    claims = jwt.decode(
        assertion,
        RSA_KEY.public_key(),
        algorithms=["RS256"],
        audience=request.url,
        options={"verify_exp": False, "verify_iat": False},
    )
    assert claims["iss"] == "bot@x"
    assert claims["scope"] == "https://www.googleapis.com/auth/chat.bot"
    assert claims["exp"] - claims["iat"] == 3600


def test_microsoft_tokens_are_asked_for_in_the_tenant() -> None:
    request = token_request("microsoft", BY_NAME["teams_bot"].secrets, NOW)
    assert request.url == "https://login.microsoftonline.com/botframework.com/oauth2/v2.0/token"
    form = parse_qs(request.body.decode())
    assert form["scope"] == ["https://api.botframework.com/.default"]
    assert form["client_id"] == [APP_ID]
    own = Secrets.of("teams_bot", APP_ID=APP_ID, APP_PASSWORD="p", TENANT_ID="tenant")
    assert "/tenant/" in token_request("microsoft", own, NOW).url


def test_a_key_that_is_none_is_said_so_without_showing_it() -> None:
    for broken in ("{}", "[]", "x", json.dumps({"client_email": "a", "private_key": "hunter2"})):
        secrets = Secrets.of("googlechat", SERVICE_ACCOUNT=broken)
        with pytest.raises(SettingsError, match="QUOTH_GOOGLECHAT_SERVICE_ACCOUNT") as raised:
            token_request("google", secrets, NOW)
        assert "hunter2" not in str(raised.value)


def test_tokens_are_read() -> None:
    assert read_token(b'{"access_token":"a","expires_in":3599}') == ("a", 3599.0)
    assert read_token(b'{"access_token":"a","expires_in":"60"}') == ("a", 60.0)
    for body in (b"", b"{}", b'{"expires_in":60}', b'{"access_token":"","expires_in":60}'):
        assert read_token(body) is None


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        *[(said, 0.0) for said in ('"x"', '""', "null", "[60]", "-1", "-1e400", "NaN", '"nan"')],
        *[(said, LONGEST_LIFE) for said in ("1e400", '"inf"', "9" * 400, "1e9")],
        ("true", 1.0),
    ],
)
def test_a_token_is_good_for_a_day_at_most_and_for_no_time_that_is_none(
    said: str, seconds: float
) -> None:
    answer = f'{{"access_token":"a","expires_in":{said}}}'.encode()
    assert read_token(answer) == ("a", seconds)
    assert read_token(b'{"access_token":"a"}') == ("a", 0.0)
