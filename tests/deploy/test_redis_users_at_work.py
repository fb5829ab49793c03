"""A whole incident with each service under its own Redis user; see `tests.deploy.real_run`."""

import pytest

from tests.deploy.real_run import GROUP, Evidence
from tests.loop.desk import PREFIX

pytestmark = [GROUP, pytest.mark.timeout(240)]


def test_one_incident_from_alarm_to_card_and_nothing_was_refused(real_run: Evidence) -> None:
    assert "RedisCartStore.cs" in real_run.card
    assert real_run.incident in real_run.said["show"]
    assert "incidents" in real_run.said["dead-letters"]
    assert real_run.refused == []
    refused = [f"toolrunner: key {PREFIX}diagnoses"]
    assert real_run.refused_then == refused, "and it would be seen"
