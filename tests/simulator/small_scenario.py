"""A small incident for the tests of the stand-ins: a crashing pod, a log, a file, an alarm."""

from datetime import timedelta

from simulator.scenario import (
    AlarmSetup,
    CloudWatchSetup,
    ClusterSetup,
    CommitSetup,
    ContainerEnd,
    EventSetup,
    Expected,
    LogSetup,
    MetricSetup,
    Placed,
    PodSetup,
    RepositorySetup,
    Scenario,
    Script,
    ScriptedDiagnosis,
    WorkloadSetup,
)

CART_POD = "cartservice-6d4f8c9b7-x2x9p"
STORE = "src/cartservice/src/cartstore/RedisCartStore.cs"
NEWEST, FIX, OLDEST = "a" * 40, "b" * 40, "c" * 40
PATCH = (
    "@@ -1,3 +1,4 @@\n namespace cartservice;\n public class RedisCartStore {\n"
    "+  // no loafers today\n }"
)
TRACE = "System.ApplicationException: no loafers\n   at RedisCartStore.AddItemAsync"

LOG = LogSetup(
    lines=200,
    seed=7,
    background=("info: GetCartAsync {uuid} {product}", "trace {hex16} {hex32} took {int} ms"),
    placed=(Placed(at=150, text=TRACE),),
)


def small_scenario() -> Scenario:
    """The incident, with everything that the cluster, GitHub and AWS stand-ins show."""
    return Scenario(
        name="small",
        title="Carts crash",
        service="cartservice",
        symptom="HTTP 500",
        alarm=AlarmSetup(
            name="cartservice-errors",
            description="Error detected in cartservice",
            reason="Threshold Crossed: 1 datapoint [1.0] was greater than the threshold (0.0).",
            metric="cartserviceErrorCount",
        ),
        cluster=_cluster(),
        repository=_repository(),
        cloudwatch=CloudWatchSetup(
            log_groups={"/boutique/cartservice": "cart"},
            metrics=(
                MetricSetup(
                    namespace="Microservices/Errors",
                    metric="cartserviceErrorCount",
                    dimensions={"Service": "cartservice"},
                    points=(0.0, 0.0, 1.0),
                ),
            ),
        ),
        script=Script(
            turns=(),
            diagnosis=ScriptedDiagnosis(
                verdict="fault", summary="s", root_cause="c", component="cartservice"
            ),
        ),
        expected=Expected(verdict="fault", component="cartservice", cause_words=("loafers",)),
    )


def _cluster() -> ClusterSetup:
    return ClusterSetup(
        workloads=(
            WorkloadSetup(
                name="cartservice",
                image="boutique/cartservice:v0.10.6",
                ready=0,
                env={"REDIS_ADDR": "redis-cart:6379", "PORT": "7070"},
                revision=3,
                changed=timedelta(hours=1),
                history=(
                    "boutique/cartservice:v0.10.4",
                    "boutique/cartservice:v0.10.5 faster carts",
                ),
            ),
            WorkloadSetup(name="redis-cart", image="redis:alpine", kind="StatefulSet"),
        ),
        pods=(
            PodSetup(
                name=CART_POD,
                workload="cartservice",
                ready=False,
                restarts=4,
                waiting="CrashLoopBackOff",
                last_end=ContainerEnd(reason="OOMKilled", exit_code=137),
                log="cart",
                previous_log="before",
            ),
            PodSetup(name="redis-cart-0", workload="redis-cart", sidecars=("exporter",)),
            PodSetup(
                name="cartservice-6d4f8c9b7-new42",
                workload="cartservice",
                phase="Pending",
                ready=False,
                waiting="ImagePullBackOff",
                age=timedelta(minutes=2),
            ),
        ),
        events=(
            EventSetup(
                reason="BackOff",
                object_name=CART_POD,
                message="Back-off restarting failed container server",
                count=9,
            ),
            EventSetup(
                type="Normal",
                reason="ScalingReplicaSet",
                object_kind="Deployment",
                object_name="cartservice",
                message="Scaled up replica set",
            ),
        ),
        logs={"cart": LOG, "before": LogSetup(lines=3, background=("starting {int}",))},
    )


def _repository() -> RepositorySetup:
    store = "namespace cartservice;\npublic class RedisCartStore {\n  // no loafers today\n}\n"
    return RepositorySetup(
        name="GoogleCloudPlatform/microservices-demo",
        revision=NEWEST,
        files={STORE: store, "README.md": "# Online Boutique\n", "big.txt": "loafers\n" * 140_000},
        commits=(
            CommitSetup(
                sha=NEWEST,
                message="Refuse loafers",
                author="Ada",
                age=timedelta(hours=2),
                paths=(STORE,),
                patches={STORE: PATCH},
            ),
            CommitSetup(
                sha=FIX,
                message="Say more",
                author="Grace <grace@example.com>",
                age=timedelta(days=3),
                paths=("README.md",),
            ),
            CommitSetup(
                sha=OLDEST,
                message="Begin",
                author="Ada",
                age=timedelta(days=9),
                paths=(STORE, "README.md"),
            ),
        ),
    )
