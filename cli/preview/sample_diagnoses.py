"""What the samples that end with a diagnosis found: a fault, none, and no cause."""

from bus.events import CodeLocation, Diagnosis, Evidence, Fix, Gap, RuledOut, ToolCallId

MODEL = "claude-sonnet-5-5"
PODS, EVENTS, LOGS = "kubernetes__list_pods", "kubernetes__list_events", "kubernetes__get_logs"
FILE, COMMITS = "github__get_file_contents", "github__list_commits"
WORKLOAD = "kubernetes__describe_workload"
SEARCH, POINTS = "cloudwatch__search_logs", "cloudwatch__get_metric_points"
CART_STORE = "src/cartservice/src/cartstore/RedisCartStore.cs"
GUARD = """\
--- a/src/cartservice/src/cartstore/RedisCartStore.cs
+++ b/src/cartservice/src/cartstore/RedisCartStore.cs
@@ -29,8 +29,3 @@
                 $"AddItemAsync called with userId={userId}, productId={productId}");
-
-            if (productId == WithdrawnProductId)
-            {
-                throw new Exception("Loafers cannot be added to a cart");
-            }

             Cart cart = await ReadAsync(userId) ?? new Cart { UserId = userId };
"""


def quote(place: str, tool: str, *, line: int, text: str) -> Evidence:
    """A verified quote."""
    return Evidence(
        tool_call_id=ToolCallId(place), quote=text, verified=True, first_line=line, tool=tool
    )


LOAFERS = Diagnosis(
    verdict="fault",
    summary="Shoppers who put loafers (product AAAAAAAAA4) into the cart get HTTP 500; every"
    " other product still works. It began with the roll-out 95 minutes before the alarm.",
    root_cause="RedisCartStore.AddItemAsync throws for product AAAAAAAAA4 before it reaches"
    " Redis: a guard that commit 8d41f0b added two hours ago.",
    component="cartservice",
    code_location=CodeLocation(path=CART_STORE, line=34, function="AddItemAsync"),
    evidence=(
        quote(
            "2-1",
            LOGS,
            line=288,
            text='{"severity":"error","message":"Cart operation failed: Loafers cannot be added'
            ' to a cart","service":"cartservice","method":"/hipstershop.CartService/AddItem",'
            '"productId":"AAAAAAAAA4","quantity":1}',
        ),
        quote(
            "2-1",
            LOGS,
            line=290,
            text="   at cartservice.cartstore.RedisCartStore.AddItemAsync(String userId, String"
            " productId, Int32 quantity) in /app/cartstore/RedisCartStore.cs:line 34",
        ),
        quote(
            "3-1",
            FILE,
            line=34,
            text='                throw new Exception("Loafers cannot be added to a cart");',
        ),
    ),
    ruled_out=(
        RuledOut(
            cause="An outage of Redis",
            reason="other products are added in the same minutes; no frame of a client",
        ),
        RuledOut(cause="A crash or lack of memory", reason="the pod is ready, no restart"),
    ),
    fix=Fix(
        summary="Take the guard out and roll out; until then go back to cartservice:v0.10.6.",
        diff=GUARD,
    ),
    confidence="high",
    model=MODEL,
)

CHECKOUT = Diagnosis(
    verdict="healthy",
    summary="Nothing is wrong now. Five orders failed within two minutes while the pod of"
    " checkoutservice moved to another node; there has been no error since.",
    root_cause="The cluster autoscaler took a node away, and checkoutservice runs with one"
    " replica: for less than a minute nothing listened on its port.",
    component="frontend",
    evidence=(
        quote(
            "1-2",
            EVENTS,
            line=3,
            text="Normal ScaleDown Pod/checkoutservice-5b6f9d7c48-m8z5t"
            " deleting pod for node scale down",
        ),
        quote(
            "2-2",
            LOGS,
            line=418,
            text='{"message":"order placed","severity":"info","session":"4c1f"}',
        ),
    ),
    ruled_out=(RuledOut(cause="A change of code", reason="the image is nine days old"),),
    fix=Fix(summary="Run two replicas of checkoutservice, with a PodDisruptionBudget."),
    confidence="high",
    model=MODEL,
)

SHIPPING = Diagnosis(
    verdict="unknown",
    summary="shippingservice has answered some ShipOrder calls with an Internal error for twelve"
    " minutes, and paid orders are not shipped. Its log, which could say why, may not be read.",
    root_cause="The fault lies within shippingservice: neither its image nor its settings have"
    " changed in nine days.",
    component="shippingservice",
    evidence=(
        quote(
            "2-1",
            SEARCH,
            line=12,
            text="shipping error: shipment failed: rpc error: code = Internal"
            " desc = an error occurred",
        ),
    ),
    ruled_out=(
        RuledOut(cause="A roll-out", reason="the newest one is nine days old"),
        RuledOut(cause="A crash or lack of memory", reason="the pod is ready, no restart"),
    ),
    gaps=(Gap(what="the log of shippingservice", permission="get pods/log in boutique"),),
    confidence="low",
    model=MODEL,
)
