"""Calls of our own operations: where they go and what is sent."""

import pytest

from fairlead.aws.sigv4 import Credentials, Request, parse
from fairlead.client.admin_api import AdminApi, open_admin_api
from fairlead.client.credentials import CredentialSource
from fairlead.client.errors import SettingsError
from fairlead.client.resolved import Resolved
from tests.support.api_server import ScriptedDialer


def test_a_call_names_our_operation_and_is_signed_for_our_service():
    dialer = ScriptedDialer([(200, {"SessionCount": 1})])
    source = CredentialSource(lambda: Resolved(Credentials("AKIAEXAMPLE", "secret"), None, "the environment"))
    api = AdminApi("https://fairlead.example", "us-east-1", source, dialer)
    assert api.call("DescribeServerDrain", {"MaxResults": 1}) == {"SessionCount": 1}
    api.close()
    [request] = dialer.requests
    assert request.headers["x-amz-target"] == "Fairlead_20261101.DescribeServerDrain"
    signed = Request("POST", "/", "", list(request.headers.items()), b"")
    assert parse(signed).scope.service == "fairlead"


@pytest.fixture
def environ(monkeypatch, tmp_path):
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SSM", "AWS_ENDPOINT_URL_FAIRLEAD", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    return monkeypatch


@pytest.mark.parametrize(
    "variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SSM", "AWS_ENDPOINT_URL_FAIRLEAD"]
)
def test_the_server_is_the_one_that_sessions_go_to(environ, variable):
    environ.setenv(variable, "https://fairlead.example:8443")
    assert open_admin_api().endpoint.authority == "fairlead.example:8443"


def test_without_an_endpoint_nothing_is_sent_to_aws(environ):
    with pytest.raises(SettingsError, match="set AWS_ENDPOINT_URL"):
        open_admin_api()
