"""docs/channels.md: its services file is one, to all three services, and is routed as it says."""

import tomllib
from pathlib import Path

from bus.events import IncidentOpened
from services.ingest.adapters.catalog_file import known_services
from services.notifier.routing import routes_from
from services.reasoner.service_catalogue import names_in, service_catalogue
from tests.docs.pages import ROOT, Page
from tests.notifier.records import opened

PAGE = Page(ROOT / "docs" / "channels.md")


def test_services_file_of_the_page_is_read_by_all_and_routed_in_its_order(tmp_path: Path) -> None:
    (text,) = (block for block in PAGE.blocks if block.startswith("[services"))
    path = tmp_path / "services.toml"
    path.write_text(text, encoding="utf-8")
    assert set(known_services(path)) == names_in(service_catalogue(text))
    routes, file = routes_from(text, "C0DEFAULT"), tomllib.loads(text)
    for service, severity, channel in (
        ("cartservice", "critical", file["services"]["cartservice"]["channel"]),
        ("emailservice", "critical", file["channels"]["teams"]["shop"]),
        ("frontend", "critical", file["channels"]["severities"]["critical"]),
        ("frontend", "info", "C0DEFAULT"),
    ):
        values = {"service": service, "severity": severity, "summary": "", "incident_id": "inc-7"}
        record = opened(incident=IncidentOpened.model_validate(values))
        assert routes.channel_of(record) == channel
