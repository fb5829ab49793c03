"""Which entries of an audit must have a MAC, once there is a key."""

import secrets

from pydantic import JsonValue

from services.toolrunner.audit import mac_of
from services.toolrunner.audit_trail import Kept, flaws_of_macs

KEY = secrets.token_hex(8)
NONE, OTHER = "it has no MAC", "its MAC is not that of NIGHTSHIFT_AUDIT_KEY"


def entry(number: int, *, replica: str = "new", key: str = "") -> Kept:
    fields: dict[str, JsonValue] = {"replica": replica, "number": number, "tool": "shop__read"}
    if key:
        fields["mac"] = mac_of(fields, key)
    return Kept(f"{number}-0", fields)


def said(*entries: Kept) -> list[tuple[str, str]]:
    found = flaws_of_macs(entries, KEY)
    return [(flaw.where, NONE if flaw.what.startswith(NONE) else flaw.what) for flaw in found]


def test_entries_from_before_the_key_are_no_flaw_and_none_may_follow_the_first_mac() -> None:
    old = [entry(1, replica="old"), entry(2, replica="old")]
    assert said(*old, entry(3, key=KEY), entry(4, key=KEY)) == []
    assert said(*old, entry(3, key=KEY), entry(4)) == [("4-0", NONE)]
    assert said(*old, entry(3, key=KEY), entry(4, replica="old")) == [("4-0", NONE)]


def test_a_life_that_had_the_key_has_it_in_all_of_its_entries() -> None:
    assert said(entry(1), entry(2, key=KEY)) == [("1-0", NONE)]


def test_another_mac_is_told_apart_from_none() -> None:
    assert said(entry(1, key=KEY), entry(2, key="another")) == [("2-0", OTHER)]


def test_an_audit_without_any_mac_is_not_whole_where_there_is_a_key() -> None:
    ((where, what),) = said(entry(1), entry(2))
    assert where == "2-0"
    assert what.startswith("no entry has a MAC")
    assert said() == []
