"""Which channels are enabled, and what keeps them from starting."""

from __future__ import annotations

from pathlib import Path

import pytest
from platforms import NOW, PLATFORMS, Platform

from bot.channels.messaging.credentials import Secrets
from bot.channels.messaging.registry import CHANNELS, load_channels
from bot.errors import SettingsError

PUBLIC = {"QUOTH_PUBLIC_URL": "https://quoth.example.org"}
SLACK = {
    **PUBLIC,
    "QUOTH_CHANNELS": "slack",
    "QUOTH_SLACK_SIGNING_SECRET": "s3cret",
    "QUOTH_SLACK_BOT_TOKEN": "xoxb-1",
}


def environment(platform: Platform) -> dict[str, str]:
    settings = platform.channel.describe().settings
    values = {s.variable(platform.name): platform.secrets.get(s.name) for s in settings}
    values = {name: value for name, value in values.items() if value}
    return {**PUBLIC, "QUOTH_CHANNELS": platform.name, **values}


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda p: p.name)
def test_a_channel_with_its_settings_loads(platform: Platform) -> None:
    loaded = load_channels(environment(platform))
    assert list(loaded) == [platform.name]
    assert loaded[platform.name].info.name == platform.name


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda p: p.name)
def test_each_missing_setting_is_named(platform: Platform) -> None:
    right = environment(platform)
    for setting in platform.channel.describe().settings:
        if setting.required:
            name = setting.variable(platform.name)
            without = {key: value for key, value in right.items() if key != name}
            with pytest.raises(SettingsError, match=f"{name} is missing"):
                load_channels(without)


def test_nothing_is_enabled_by_itself() -> None:
    assert load_channels({}) == {}
    assert load_channels({"QUOTH_SLACK_BOT_TOKEN": "xoxb-1"}) == {}


def test_an_unknown_channel_is_named_with_the_known_ones() -> None:
    with pytest.raises(SettingsError, match="'slak'; known: slack, telegram"):
        load_channels({"QUOTH_CHANNELS": "slak"})


def test_all_faults_are_told_at_once_and_no_value() -> None:
    with pytest.raises(SettingsError) as raised:
        load_channels(
            {
                **PUBLIC,
                "QUOTH_CHANNELS": "slack, discord,telegram",
                "QUOTH_SLACK_BOT_TOKEN": "hunter2",
                "QUOTH_DISCORD_PUBLIC_KEY": "ABCDEF",
            }
        )
    said = str(raised.value)
    for name in (
        "QUOTH_SLACK_SIGNING_SECRET is missing",
        "QUOTH_SLACK_BOT_TOKEN has the wrong form",
        "QUOTH_DISCORD_PUBLIC_KEY has the wrong form",
        "QUOTH_TELEGRAM_TOKEN is missing",
    ):
        assert name in said
    assert "hunter2" not in said
    assert "ABCDEF" not in said


def test_a_public_address_is_needed() -> None:
    with pytest.raises(SettingsError, match="QUOTH_PUBLIC_URL"):
        load_channels({**SLACK, "QUOTH_PUBLIC_URL": ""})


def test_secrets_may_lie_in_files(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("xoxb-file\n", encoding="utf-8")
    environ = {name: value for name, value in SLACK.items() if "BOT_TOKEN" not in name}
    environ["QUOTH_SLACK_BOT_TOKEN_FILE"] = str(tmp_path / "token")
    assert load_channels(environ)["slack"].secrets.get("BOT_TOKEN") == "xoxb-file"
    environ["QUOTH_SLACK_BOT_TOKEN_FILE"] = str(tmp_path / "none")
    with pytest.raises(SettingsError, match="QUOTH_SLACK_BOT_TOKEN_FILE names can't be read"):
        load_channels(environ)


def test_a_previous_secret_is_kept_for_what_comes_in() -> None:
    environ = {**SLACK, "QUOTH_SLACK_SIGNING_SECRET_PREVIOUS": "older"}
    secrets = load_channels(environ)["slack"].secrets
    assert secrets.active("SIGNING_SECRET") == ("s3cret", "older")
    assert secrets.get("SIGNING_SECRET") == "s3cret"


def test_another_address_of_a_platform() -> None:
    environ = {**SLACK, "QUOTH_SLACK_API_URL": "http://127.0.0.1:9/api/"}
    probe = load_channels(environ)["slack"].info.probe
    assert probe is not None
    assert probe.url == "http://127.0.0.1:9/api/auth.test"


def test_a_channel_is_answered_from_the_site_that_it_names_else_from_the_first() -> None:
    sites = ("shop", "clinic")
    assert load_channels(SLACK)["slack"].site == ""
    assert load_channels(SLACK, sites=sites)["slack"].site == "clinic"
    named = load_channels({**SLACK, "QUOTH_SLACK_SITE": "shop"}, sites=sites)["slack"]
    assert named.site == "shop"
    assert named.secrets.pseudonym("U1") == load_channels(SLACK)["slack"].secrets.pseudonym("U1")
    for served, says in ((sites, "there are clinic, shop"), (("",), "there is only one")):
        with pytest.raises(SettingsError, match=f"QUOTH_SLACK_SITE names no site: {says}"):
            load_channels({**SLACK, "QUOTH_SLACK_SITE": "shopp"}, sites=served)


def test_pseudonyms_are_keyed() -> None:
    one, same, other = (Secrets.of("slack", SIGNING_SECRET=key) for key in ("a", "a", "b"))
    assert one.pseudonym("U1") == same.pseudonym("U1") != other.pseudonym("U1")
    assert one.pseudonym("U", "1") != one.pseudonym("U1")
    kept = [
        load_channels({**SLACK, "QUOTH_HASH_KEY": key, "QUOTH_SLACK_SIGNING_SECRET": secret})
        for key, secret in (("k", "a"), ("k", "b"), ("l", "a"))
    ]
    names = [loaded["slack"].secrets.pseudonym("U1") for loaded in kept]
    assert names[0] == names[1] != names[2]


def test_all_channels_load_together() -> None:
    environ: dict[str, str] = {}
    for platform in PLATFORMS:
        environ |= environment(platform)
    environ["QUOTH_CHANNELS"] = ",".join(CHANNELS)
    loaded = load_channels(environ)
    assert list(loaded) == list(CHANNELS)
    for platform in PLATFORMS:
        enabled = loaded[platform.name]
        assert not isinstance(
            enabled.channel.receive(
                platform.sign(platform.event("Hi", "1")), Secrets(platform.name, {}), NOW
            ),
            tuple,
        )
