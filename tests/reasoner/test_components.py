"""A component is one that was seen; words for kinds of things and for what is wrong are free."""

import pytest

from services.reasoner.components import component_problem
from services.reasoner.service_catalogue import names_in
from services.reasoner.sources import Known, Source
from tests.reasoner.test_places import source

KNOWN = Known(
    told="checkoutservice\nHTTP 500 in frontend",
    services=frozenset({"Pay Service", *names_in("Services:\nledger shop -> redis-a, rds-orders")}),
)
RESULTS = {
    "1-1": source("k__list_pods", "pod redis-cart-0 ready\npod mail ready\npod ads ready", ns="b"),
    "1-2": source("k__get_logs", "no log of moonservice", pod="moonservice"),
    "1-4": source(
        "g__search", '{\n "query": "pluto",\n "total": 0,\n "items": []\n}', query="pluto"
    ),
    "1-5": source("k__list_pods", "pod mail ready=0/1\npod redis-cart-0", namespace="shop"),
    "1-6": source("k__list_pods", "no pod of mail in night", namespace="night", name="mail"),
    "1-7": source("k__list_pods", "No resources found", namespace="dark"),
    "1-3": Source(tool="k__get", shown="~ 9 times: comet-<*> fell\n1| a\n2| b\n3| c"),
}


@pytest.mark.parametrize(
    "component",
    [
        "checkoutservice",
        "CheckoutService",
        "deployment/redis-cart",
        "the mail service",
        "Pay Service",
        "ledger",
        "ads (frontend)",
        "redis-cart:6379",
        "",
        "the mail's store",
        "mail & ads",
        "frontend → redis-cart",
        "frontend -> redis-cart memory limit",
        "checkoutservice (unreachable)",
        "mail JVM",
        "checkoutservice gRPC call to ledger",
        "mail Deployment: container memory limit too low",
        "Deployment shop/mail",
        "redis-cart in namespace Shop",
        "pay-service",
        "PayService",
        "rds-orders",
    ],
)
def test_a_component_that_was_seen_passes(component: str) -> None:
    assert component_problem(component, RESULTS, known=KNOWN) == ""


@pytest.mark.parametrize(
    "component",
    [
        "sunservice",
        "moonservice",
        "comet",
        "checkout",
        "checkoutservice2",
        "\u0441heckoutservice",
        "checkout\u200bservice",
        "checkoutse\u0301rvice",
        "the mail and moon service",
        "redis\0cart",
        "mail (moonservice unreachable)",
        "gRPC call to moonservice",
        "Deployment night/mail",
        "Deployment dark/ads",
        "shop",
        "rds",
        "pluto",
    ],
)
def test_a_component_that_nobody_showed_is_named(component: str) -> None:
    assert "stands neither in the incident nor" in component_problem(
        component, RESULTS, known=KNOWN
    )


@pytest.mark.parametrize(
    "component", ["service", "the node", "42", "-", "memory limit", "limit too low"]
)
def test_words_for_kinds_of_things_name_nothing_alone(component: str) -> None:
    assert "names nothing" in component_problem(component, RESULTS, known=KNOWN)


def test_a_line_that_says_more_than_the_question_is_no_echo() -> None:
    found = '{\n "query": "pluto",\n "total": 1,\n "items": ["src/pluto/main.py"]\n}'
    seen = {"1-1": source("g__search", found, query="pluto")}
    assert component_problem("pluto", seen, known=KNOWN) == ""
