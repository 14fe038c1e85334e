"""Which node a call is about, as far as one can tell before it is made."""

import pytest

from fairlead.aws.canonical import Request
from fairlead.server.shared_calls import named_node

NODE = "mi-0123456789abcdef0"
HEARTBEAT = [("X-Amz-Target", "AmazonSSM.UpdateInstanceInformation")]
START_SESSION = [("X-Amz-Target", "AmazonSSM.StartSession")]


@pytest.mark.parametrize(
    ("request_", "node_id"),
    [
        (Request("GET", f"/v1/control-channel/{NODE}", "", []), NODE),
        (
            Request("POST", "/", "", [("Authorization", f"AWS4-HMAC-SHA256 Credential={NODE}/20261121/x")]),
            NODE,
        ),
        (Request("POST", "/", "", HEARTBEAT, b'{"InstanceId":"%b"}' % NODE.encode()), NODE),
        (Request("POST", "/", "", HEARTBEAT, b'{"InstanceId":"i-0123456789abcdef0"}'), "i-0123456789abcdef0"),
        (Request("POST", "/", "", HEARTBEAT, b"\xff" * 2000 + NODE.encode()), None),
        (Request("POST", "/", "", HEARTBEAT, b"{}"), None),
        (Request("POST", "/", "", START_SESSION, b'{"Target":"%b"}' % NODE.encode()), None),
    ],
)
def test_a_request_names_its_node_in_path_key_or_body(request_, node_id):
    assert named_node(request_) == node_id
