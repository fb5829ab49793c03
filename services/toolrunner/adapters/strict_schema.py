"""JSON Schema by jsonschema; a reference to another document is never followed."""

from collections.abc import Mapping

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from pydantic import JsonValue
from referencing import Registry
from referencing.exceptions import Unresolvable


class StrictSchema:
    """Checks arguments against a tool's schema."""

    def problem(self, schema: Mapping[str, JsonValue], arguments: Mapping[str, JsonValue]) -> str:
        """The worst problem in one sentence, empty when the arguments fit."""
        validator = Draft202012Validator(schema, registry=Registry())
        try:
            found = sorted(validator.iter_errors(arguments), key=lambda error: list(error.path))
        except Unresolvable as error:
            return f"the tool's schema refers to what is not in it: {error}"
        return _sentence(found[0]) if found else ""

    def schema_problem(self, schema: Mapping[str, JsonValue]) -> str:
        """Why this is no schema, empty when it is one."""
        try:
            Draft202012Validator.check_schema(schema)
        except SchemaError as error:
            return f"its schema is none: {error.message[:200]}"
        return ""


def _sentence(error: ValidationError) -> str:
    where = ".".join(str(part) for part in error.absolute_path)
    return f"{where}: {error.message}"[:300] if where else error.message[:300]
