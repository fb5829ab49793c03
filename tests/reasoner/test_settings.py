"""Settings that cannot be right are refused at the start, in words that show no credential."""

import logging
from pathlib import Path

import pytest
from anthropic import AsyncAnthropic

from bus.errors import NotConfigured, Unavailable
from bus.settings import load
from services.ingest.settings import Settings as IngestSettings
from services.reasoner.adapters import files
from services.reasoner.adapters.reach import Reach
from services.reasoner.adapters.refusals import told
from services.reasoner.prices import prices_from
from services.reasoner.settings import Settings
from tests.conftest import MakeBus
from tests.reasoner.asking import replicas
from tests.reasoner.model_desk import ModelDesk, text

SECRET = "-".join(("gateway", "token", "abc"))


@pytest.mark.parametrize("variable", ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"])
@pytest.mark.parametrize("odd", ["\n", "\x00", "\x7f", "ä", "\u2028"])
def test_a_credential_that_no_header_holds_is_refused_and_not_shown(
    variable: str, odd: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if odd != "\x00":
        monkeypatch.setenv(variable, f"{SECRET}{odd}x")
        with pytest.raises(NotConfigured, match=f"{variable} holds a line break") as refused:
            load(Settings)
        assert SECRET not in str(refused.value)
    monkeypatch.setenv(variable, f" {SECRET}\r\n")
    settings = load(Settings)
    found = {settings.anthropic_api_key, settings.anthropic_auth_token}
    assert SECRET in {each.get_secret_value() for each in found}


async def test_an_error_about_a_header_does_not_show_the_header(
    make_bus: MakeBus, caplog: pytest.LogCaptureFixture
) -> None:
    async with replicas(ModelDesk([text("hello")]).app(), make_bus) as (one,):
        assert isinstance(one.claude.client, AsyncAnthropic)
        one.claude.client.api_key = f"{SECRET}\n"
        with (
            caplog.at_level(logging.WARNING),
            pytest.raises(Unavailable, match="a header cannot be sent") as away,
        ):
            await one.ask()
        assert SECRET not in str(away.value) + caplog.text + await one.claude.reach.check()
    assert SECRET not in told(UnicodeEncodeError("ascii", SECRET, 0, 1, "no"))


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ANTHROPIC_BASE_URL", "http://"),
        ("ANTHROPIC_BASE_URL", "http://model:99999"),
        ("ANTHROPIC_BASE_URL", "ftp://model"),
        ("ANTHROPIC_BASE_URL", "http://model:8000/v1/"),
        ("NIGHTSHIFT_MODEL", " "),
        ("NIGHTSHIFT_FALLBACK_MODEL", "claude-sonnet-5-5"),
        ("NIGHTSHIFT_VERIFY_MODEL", "claude-sonnet-5-5"),
        ("NIGHTSHIFT_CONTEXT_TOKENS", "8192"),
        ("NIGHTSHIFT_FALLBACK_MODEL", "a\nb"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(NotConfigured, match=variable):
        load(Settings)


def test_an_empty_catalogue_variable_names_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTSHIFT_CATALOG", "")
    monkeypatch.setenv("NIGHTSHIFT_QUEUE_URL", "http://queue/1")
    assert load(Settings).catalog is None
    assert load(IngestSettings).catalog is None


async def test_an_address_that_leads_nowhere_is_a_sentence_without_its_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for address in ("http://h:99999", "http://", f"http://user:{SECRET}@127.0.0.1:9/v1"):
        said = await Reach(address).check()
        assert said.startswith("the model API at http://")
        assert SECRET not in said
    assert Reach(f"https://user:{SECRET}@model:8000/a").shown == "https://model:8000/a"


@pytest.mark.parametrize("odd", ["\u0085", "\u2028", "\u200b", "\u00a0"])
def test_what_nobody_sees_in_the_services_file_is_refused_in_plain_words(
    odd: str, tmp_path: Path
) -> None:
    path = tmp_path / "services.toml"
    for given in (f"[services.a]\nowner = 'x{odd}y'", f"services = ['x{odd}y']"):
        path.write_text(given, encoding="utf-8")
        with pytest.raises(NotConfigured, match="all of them visible"):
            files.services(path)
    path.write_text("[services.'a b']")
    with pytest.raises(NotConfigured, match=r"'services.a b': must be one word, without blanks$"):
        files.services(path)


def test_a_services_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "services.toml"
    path.write_bytes(b"\xef\xbb\xbfservices = ['a']\r\n")
    assert files.services(path).endswith("\na")


@pytest.mark.parametrize("price", ["inf", "nan", "-1.0"])
def test_a_price_is_a_number(price: str) -> None:
    names = ("output", "cache_write_5m", "cache_write_1h", "cache_read")
    rest = "\n".join(f"{name} = 1.0" for name in names)
    head = 'dated = 2026-11-22\nsource = "x"\n[[price]]\nmodel = "m"'
    with pytest.raises(NotConfigured, match=r"price\.0\.input"):
        prices_from(f"{head}\ninput = {price}\n{rest}\n")


PRICE = "input = 1.0\noutput = 1.0\ncache_write_5m = 1.0\ncache_write_1h = 1.0\ncache_read = 1.0\n"


@pytest.mark.parametrize(
    ("bounds", "said"),
    [
        (("900",), "its last row must be one without"),
        (("", "900"), "its rows must go by"),
        (("900", "900", ""), "its rows must go by"),
        (("", ""), "its rows must go by"),
    ],
)
def test_prices_leave_no_prompt_without_one(bounds: tuple[str, ...], said: str) -> None:
    """What has no price is seen by no limit in dollars."""
    rows = "".join(
        f'[[price]]\nmodel = "m"\n{f"prompt_up_to = {bound}" if bound else ""}\n{PRICE}'
        for bound in bounds
    )
    with pytest.raises(NotConfigured, match=f"cannot be used: m: {said}"):
        prices_from(f'dated = 2026-11-22\nsource = "x"\n{rows}')


def test_a_price_file_in_other_letters_is_an_error_and_one_with_a_mark_is_none(
    tmp_path: Path,
) -> None:
    path = tmp_path / "prices.toml"
    text = f'dated = 2026-11-22\nsource = "\u00e9tat"\n[[price]]\nmodel = "m"\n{PRICE}'
    path.write_text(text, encoding="latin-1")
    with pytest.raises(NotConfigured, match="NIGHTSHIFT_PRICES_FILE cannot be read"):
        files.prices(str(path))
    path.write_text(text, encoding="utf-8-sig")
    assert files.prices(str(path)).of("m", 1) is not None


def test_a_fallback_that_the_budget_cannot_pay_is_told_at_the_start(
    caplog: pytest.LogCaptureFixture,
) -> None:
    files.rules_of(Settings(fallback_model="claude-fable-5-1"))
    assert "a first turn of claude-fable-5-1 and its conclude turn may cost" in caplog.text
