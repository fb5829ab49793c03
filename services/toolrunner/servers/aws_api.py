"""Clients of AWS, and what went wrong there as one sentence."""

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from services.toolrunner.servers.not_read import NotRead
from services.toolrunner.servers.settings import ServersSettings

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_logs import CloudWatchLogsClient

T = TypeVar("T")
BAD_CREDENTIALS = {
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "SignatureDoesNotMatch",
    "InvalidSignatureException",
    "IncompleteSignature",
    "MissingAuthenticationToken",
    "InvalidAccessKeyId",
}


class AwsApi:
    """The two clients, made when they are first asked for."""

    def __init__(self, settings: ServersSettings) -> None:
        self._settings = settings

    @cached_property
    def cloudwatch(self) -> "CloudWatchClient":
        """Alarms and metrics."""
        return self._session.client(
            "cloudwatch", config=_client_config(self._settings.answer_seconds)
        )

    @cached_property
    def logs(self) -> "CloudWatchLogsClient":
        """Log groups."""
        return self._session.client("logs", config=_client_config(self._settings.answer_seconds))

    def close(self) -> None:
        """Close the connections, if there are any."""
        for name in ("cloudwatch", "logs"):
            if client := self.__dict__.get(name):
                client.close()

    @cached_property
    def _session(self) -> boto3.session.Session:
        # boto3 itself reads AWS_DEFAULT_REGION only.
        return boto3.session.Session(region_name=self._settings.aws_region or None)


def asked(permission: str, read: Callable[[], T]) -> T:
    """What `read` gives. Raises NotRead, which names the permission where it is missing."""
    try:
        return read()
    except ClientError as error:
        raise NotRead(_sentence(permission, error)) from None
    except (BotoCoreError, OSError) as error:
        raise NotRead(f"AWS is not reachable; nothing was read: {str(error)[:300]}") from None
    except KeyError as error:
        # botocore takes a JSON body that ends too early for an answer without fields.
        raise NotRead(f"the answer of AWS is cut: it has no {error}; ask again") from None


def _sentence(permission: str, error: ClientError) -> str:
    said = error.response.get("Error", {})
    code, message = said.get("Code", ""), said.get("Message", "")[:300]
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    if code in BAD_CREDENTIALS:
        return f"AWS refused the credentials ({code}: {message}); nothing was read"
    if "AccessDenied" in code or "NotAuthorized" in code or status == 403:
        return f"missing permission: {permission} (AWS said {code})"
    if "Throttl" in code or code in ("TooManyRequestsException", "RequestLimitExceeded"):
        return (
            f"AWS allows no more requests for now ({code}: {message}); nothing was read; "
            "it does not say for how long"
        )
    return f"AWS answered {code}: {message}"


def _client_config(seconds: int) -> Config:
    return Config(
        connect_timeout=3,
        read_timeout=seconds,
        max_pool_connections=40,
        retries={"total_max_attempts": 2, "mode": "standard"},
    )
