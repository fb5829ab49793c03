"""YAML that operators write: plain values only, bounded, and never a surprise of the parser."""

from typing import Any

import yaml

from bus.errors import NotConfigured

MOST_BYTES = 262_144
MOST_DEEP = 20


class _Plain(yaml.SafeLoader):
    """Without dates, which JSON does not know: what looks like one is text. A key stands once."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """The mapping. Raises ConstructorError for a key that stands twice: which one is meant?"""
        made: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        if len(made) < len(node.value):
            twice = [key.value for key, _ in node.value]
            name = next(key for key in twice if twice.count(key) > 1)
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {name!r} stands twice", node.start_mark
            )
        return made


_Plain.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def plain_yaml(content: bytes, file: str) -> object:
    """What the file holds; None for an empty one. Raises NotConfigured with its name otherwise."""
    if len(content) > MOST_BYTES:
        raise NotConfigured(f"{file} holds more than {MOST_BYTES} bytes")
    text = plain_text(content, file)
    try:
        if problem := _problem(text):
            raise NotConfigured(f"{file}: {problem}")
        return _Plain(text).get_single_data()
    except NotConfigured:
        raise
    except yaml.YAMLError as error:
        raise NotConfigured(f"{file} is not YAML: {_one_line(error)}") from None
    except Exception as error:
        # PyYAML lets out what its conversions raise, such as ValueError for `0b_`.
        raise NotConfigured(f"{file} holds a value that is none: {_one_line(error)}") from None


def plain_text(content: bytes, file: str) -> str:
    """The text of a file in UTF-8, without its byte order mark. Raises NotConfigured."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NotConfigured(f"{file} is not UTF-8 ({error.reason})") from None


def _problem(text: str) -> str:
    """What is refused before any value is made of it."""
    depth = 0
    for event in yaml.parse(text, Loader=_Plain):
        if isinstance(event, yaml.AliasEvent):
            return "aliases (`*name`) are not taken"
        if getattr(event, "tag", None):
            return "tags (`!!name`) are not taken"
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MOST_DEEP:
                return f"it is nested more than {MOST_DEEP} deep"
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    return ""


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
