"""Signed calls to `ssm` with nothing but this package and the standard library."""

import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from fairlead.aws import json_protocol, sigv4

TIMEOUT_S = 30.0


class CallFailed(Exception):
    """The server answered with an error; `code` is its name."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


# Any: members of requests and responses are whatever JSON can hold.
def call_ssm(
    endpoint_url: str, variables: Mapping[str, str], operation: str, members: Mapping[str, Any]
) -> dict[str, Any]:
    """Call an operation with the credentials, region and CA bundle in `variables`. Raises CallFailed."""
    body = json.dumps(members).encode()
    headers = [
        ("Host", urlsplit(endpoint_url).netloc),
        ("Content-Type", json_protocol.CONTENT_TYPE),
        ("X-Amz-Target", f"AmazonSSM.{operation}"),
    ]
    credentials = sigv4.Credentials(variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"])
    headers += sigv4.sign_with(
        credentials,
        sigv4.Request("POST", "/", "", headers, body),
        region=variables["AWS_REGION"],
        service="ssm",
        now=time.time(),
    )
    request = urllib.request.Request(endpoint_url + "/", data=body, headers=dict(headers))  # noqa: S310
    bundle = variables.get("AWS_CA_BUNDLE")
    context = ssl.create_default_context(cafile=bundle) if bundle else None
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )
    try:
        with opener.open(request, timeout=TIMEOUT_S) as response:
            answer: dict[str, Any] = json.load(response)
            return answer
    except urllib.error.HTTPError as error:
        with error:
            problem = json.load(error)
        raise CallFailed(problem["__type"], problem["message"]) from None
