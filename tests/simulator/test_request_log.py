"""The request log is read as it was written, whatever was asked for."""

from pathlib import Path

from simulator.request_log import RequestLog


def test_request_with_other_kinds_of_line_ends_is_read_back(tmp_path: Path) -> None:
    log = RequestLog(tmp_path / "log.jsonl")
    asked = ["GET /a", "GET /\u2028b", "GET /\x85\x1c\r\n"]
    for request in asked:
        log.record("github", request, status=404)
    assert [line["request"] for line in log.read("github")] == asked
