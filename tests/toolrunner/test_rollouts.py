"""Recent roll-outs: which rows of the cluster tell them."""

from services.toolrunner.rollouts import MOST, recent


def test_roll_outs_within_a_day_are_told_newest_first_and_no_others() -> None:
    rows = [
        "Deployment old ready=1/1 age=9d rolled_out=9d image=shop/old:v1",
        "Deployment slow ready=1/1 age=9d rolled_out=24h image=shop/slow:v1",
        "Deployment fresh ready=0/1 age=9d rolled_out=90s image=shop/fresh:v2 ref=v2",
        "Deployment fresh Available=False message=rolled_out=1m by somebody",
        "StatefulSet store ready=1/1 age=9d image=store:v1",
        "",
    ]
    assert recent("boutique", "\n".join(rows)).split("\n") == [
        "boutique Deployment fresh rolled_out=90s image=shop/fresh:v2 ref=v2",
        "boutique Deployment slow rolled_out=24h image=shop/slow:v1",
    ]


def test_many_roll_outs_are_counted_and_a_namespace_without_one_is_named_all_the_same() -> None:
    rows = [f"Deployment d{number} rolled_out={number}m image=x" for number in range(1, MOST + 4)]
    told = recent("shop", "\n".join(rows)).split("\n")
    assert told[0] == "shop Deployment d1 rolled_out=1m image=x"
    assert told[-1] == "shop: 3 more"
    assert len(told) == MOST + 1
    assert recent("shop", "nothing here") == "shop: none"
