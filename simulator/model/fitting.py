"""Leaving out of an answer what the schema of the tool does not know."""

from collections.abc import Mapping


def fitted(value: object, schema: Mapping[str, object]) -> object:
    """The value with only those fields of its objects that the schema names, at every depth."""
    return _fitted(value, schema, named=_mapping(schema.get("$defs")))


def _fitted(value: object, schema: Mapping[str, object], *, named: Mapping[str, object]) -> object:
    if isinstance(value, dict):
        shape = _branch(schema, "properties", named=named)
        properties = _mapping(shape.get("properties"))
        if not properties:
            return value
        return {
            key: _fitted(inner, _mapping(properties[key]), named=named)
            for key, inner in value.items()
            if key in properties and _takes(inner, _mapping(properties[key]), named=named)
        }
    if isinstance(value, list):
        items = _mapping(_branch(schema, "items", named=named).get("items"))
        return [_fitted(inner, items, named=named) for inner in value]
    return value


def _takes(value: object, schema: Mapping[str, object], *, named: Mapping[str, object]) -> bool:
    """Whether the field may be sent: null only where the schema takes it or names no type."""
    if value is not None:
        return True
    branches = list(_branches(schema, named))
    kinds = [branch.get("type") for branch in branches]
    return any(kind is None or kind == "null" or _holds_null(kind) for kind in kinds)


def _holds_null(kind: object) -> bool:
    return isinstance(kind, list) and "null" in kind


def _branch(
    schema: Mapping[str, object], key: str, *, named: Mapping[str, object]
) -> Mapping[str, object]:
    return next((branch for branch in _branches(schema, named) if key in branch), {})


def _branches(
    schema: Mapping[str, object], named: Mapping[str, object]
) -> list[Mapping[str, object]]:
    reference = schema.get("$ref")
    if isinstance(reference, str):
        schema = _mapping(named.get(reference.rsplit("/", 1)[-1]))
    either = schema.get("anyOf") or schema.get("oneOf")
    if not isinstance(either, list):
        return [schema]
    return [branch for each in either for branch in _branches(_mapping(each), named)]


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}
