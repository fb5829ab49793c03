"""Where Redis is, as REDIS_URL says it: one server, or whichever one its Sentinels call the master.

The form with Sentinels is the one that others use, too:
`redis+sentinel://[user:password@]host[:26379][,host2…]/master[/db][?options]`; `rediss+sentinel://`
is TLS, to Redis and to the Sentinels alike.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode

from redis.asyncio.connection import parse_url

Server = tuple[str, int]
_PLAIN = "db|username|password"
_WITH_SENTINELS = "username|password|sentinel_username|sentinel_password"
_TLS = "ssl_(?:ca_certs|cert_reqs|certfile|check_hostname|keyfile)"
_HOST = r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?"


def _options(names: str) -> str:
    one = f"(?:{names}|(?(tls){_TLS}|username))=[^&#]+"
    return rf"(?:\?(?P<options>{one}(?:&{one})*))?"


_ONE = re.compile(rf"redis(?P<tls>s)?://[^/?#\s]*(?:/[0-9]{{0,9}})?{_options(_PLAIN)}")
_MANY = re.compile(
    rf"redis(?P<tls>s)?\+sentinel://(?:(?P<user>[^/?#\s@]*)@)?(?P<hosts>{_HOST}(?:,{_HOST})*)"
    rf"/(?P<master>[A-Za-z0-9._-]+)(?:/(?P<db>[0-9]{{0,9}}))?{_options(_WITH_SENTINELS)}"
)
FORMS = (
    "must look like redis://host:6379/0 or rediss://host:6379/0; behind a `?` only db, username,"
    " password and ssl_… may stand. With Sentinels, redis+sentinel://host1:26379,host2:26379/NAME/0"
    " or rediss+sentinel://…, where NAME is what they call the master; behind a `?` only username,"
    " password, sentinel_username, sentinel_password and ssl_…"
)


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where Redis is. With Sentinels, `url` has the master's name for a host."""

    url: str = field(repr=False)
    """As redis-py takes it: user, password, database, TLS."""
    shown: str
    """For people: no user, no password, no file."""
    sentinels: tuple[Server, ...] = ()
    master: str = ""
    options: Mapping[str, object] = field(default_factory=dict, repr=False)
    """How a connection to a Sentinel is made."""

    @property
    def is_tls(self) -> bool:
        """Whether everything there is asked over TLS."""
        return self.url.startswith("rediss:")


def address_of(url: str) -> Address:
    """What that REDIS_URL says; ValueError with a sentence where it says nothing usable."""
    try:
        if match := _MANY.fullmatch(url):
            return _with_sentinels(match)
        if _ONE.fullmatch(url):
            return Address(url=url, shown=_shown(url))
    except ValueError:
        pass
    raise ValueError(FORMS)


def _shown(url: str) -> str:
    at, scheme = parse_url(url), url.partition(":")[0]
    host = at.get("host", "localhost")
    host = f"[{host}]" if ":" in host else host
    return f"{scheme}://{host}:{at.get('port', 6379)}/{at.get('db', 0)}"


def _with_sentinels(match: re.Match[str]) -> Address:
    given = parse_qsl(match["options"] or "")
    own = {name.removeprefix("sentinel_"): value for name, value in given if "sentinel_" in name}
    rest = urlencode([(name, value) for name, value in given if "sentinel_" not in name])
    tls, db = match["tls"] or "", match["db"] or "0"
    user = f"{match['user']}@" if match["user"] else ""
    url = f"redis{tls}://{user}{match['master']}/{db}" + (f"?{rest}" if rest else "")
    options = {name: value for name, value in parse_url(url).items() if name.startswith("ssl_")}
    servers = tuple(_server(host) for host in match["hosts"].split(","))
    hosts = ",".join(
        f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in servers
    )
    return Address(
        url=url,
        shown=f"redis{tls}+sentinel://{hosts}/{match['master']}/{int(db)}",
        sentinels=servers,
        master=match["master"],
        options={**options, **own, "ssl": bool(tls)},
    )


def _server(text: str) -> Server:
    host, _, port = text.rpartition(":") if re.search(r":[0-9]+$", text) else (text, "", "26379")
    if text.endswith("]"):
        host, port = text, "26379"
    if not 0 < int(port) < 65_536:
        raise ValueError(f"{port} is no port")
    return host.strip("[]"), int(port)
