"""A scenario file on the least base that there is, for the tests of reading and checking."""

from pathlib import Path

import yaml

SMALL = """
name: small
base: online-boutique
title: Quotes cost nothing
service: shippingservice
symptom: Shipping is free
alarm:
  name: shippingservice-error
  description: Error detected in shippingservice
  reason: "Threshold Crossed: 1 datapoint [3.0] was greater than the threshold (0.0)."
  metric: shippingserviceErrorCount
script:
  turns:
    - text: What does it say?
      calls:
        - tool: kubernetes__get_logs
          arguments: {namespace: boutique, pod: "{pod:shippingservice}"}
  diagnosis:
    verdict: fault
    summary: Quotes are free.
    root_cause: The quote is zero.
    component: shippingservice
    code_location: {path: src/shippingservice/quote.go, line: 12}
    evidence:
      - {tool: kubernetes__get_logs, pattern: GetQuote, proves: that quotes are asked for}
    fix:
      summary: Ask for money.
      diff: |
        --- a/src/shippingservice/quote.go
        +++ b/src/shippingservice/quote.go
        @@ -12,1 +12,1 @@
        -\t\treturn Quote{0, 0}
        +\t\treturn Quote{1, 0}
expected:
  verdict: fault
  component: shippingservice
  cause_words: [quote]
  fix_location: src/shippingservice/quote.go
  must_not_claim: [Redis]
"""


def small_file(folder: Path, *changes: tuple[str, str]) -> Path:
    """The file in the folder, each `old` replaced by `new`; fails where one is not there."""
    text = SMALL
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    path = folder / "small.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def with_parts(folder: Path, **parts: object) -> Path:
    """The file with further parts at its end."""
    path = small_file(folder)
    path.write_text(SMALL + yaml.safe_dump(parts, sort_keys=False), encoding="utf-8")
    return path
