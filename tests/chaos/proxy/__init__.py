"""Our own proxy before Redis and HTTP: it knows which request passes, and can keep it from passing.

Every replica gets addresses of its own, so that it is known who speaks. `passage` says what passes
and what may become of it, `resp` and `http` cut the byte streams, `naming` names the requests,
`redis_channel` and `http_channel` carry them, `proxy` is the whole.
"""
