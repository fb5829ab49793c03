"""Lines of the AWS CLI on a page, as calls of boto3: told apart by botocore's service models."""

import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from botocore import xform_name
from botocore.model import OperationModel, Shape, StructureShape

RENAMED = {"notification-endpoint": "endpoint"}
"""Options that the CLI has renamed, as `--endpoint` would be taken for an address."""
client_of: Callable[..., Any] = boto3.client
"""A client of a service whose name is only known at run time."""
SERVICES = {"s3api": "s3"}


@dataclass(frozen=True)
class Line:
    """One call: `aws SERVICE OPERATION --option value …`."""

    service: str
    operation: str
    options: dict[str, str]

    @classmethod
    def of(cls, text: str) -> "Line":
        """The line in its words."""
        aws, service, operation, *rest = shlex.split(text)
        assert aws == "aws", text
        assert all(name.startswith("--") for name in rest[::2]), text
        names = (name.removeprefix("--") for name in rest[::2])
        options = dict(zip(names, rest[1::2], strict=True))
        return cls(SERVICES.get(service, service), operation, options)

    def model(self) -> OperationModel:
        """The operation as AWS publishes it; fails where there is none of that name."""
        client = client_of(self.service, region_name="eu-west-2")
        names = {xform_name(name, "-"): name for name in client.meta.service_model.operation_names}
        found: OperationModel = client.meta.service_model.operation_model(names[self.operation])
        return found

    def arguments(self, files: Mapping[str, str]) -> dict[str, object]:
        """What boto3 is called with; fails for an option that the operation does not have."""
        shape = self.model().input_shape
        assert isinstance(shape, StructureShape)
        members = {xform_name(name, "-"): (name, shape) for name, shape in shape.members.items()}
        found: dict[str, object] = {}
        for option, text in self.options.items():
            name, shape_of = members[RENAMED.get(option, option)]
            found[name] = _value(text, shape_of, files)
        missing = set(shape.required_members) - set(found)
        assert not missing, f"{self.service} {self.operation} needs {missing}"
        return found


def _value(text: str, shape: Shape, files: Mapping[str, str]) -> object:
    text = files[text.removeprefix("file://")] if text.startswith("file://") else text
    if shape.type_name == "list" and not text.startswith("["):
        return [text]
    if shape.type_name in ("structure", "list", "map"):
        return json.loads(text)
    if shape.type_name in ("integer", "long"):
        return int(text)
    if shape.type_name in ("double", "float"):
        return float(text)
    return text
