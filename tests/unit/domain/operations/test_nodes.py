"""What agents send, as it was recorded, is what the operations that only agents call take."""

import json
from pathlib import Path

import pytest

from fairlead.aws import json_protocol
from fairlead.aws.errors import ValidationFailed
from fairlead.aws.validation import validate
from fairlead.domain.operations.catalogue import ALL_OPERATIONS
from fairlead.domain.operations.nodes import RegisterManagedInstanceRequest, UpdateInstanceInformationRequest

RECORDED = Path(__file__).parents[3] / "vectors" / "http"
OPERATIONS = {operation.name: operation for operation in ALL_OPERATIONS}
CODE = "EXAMPLEcode1234567890"


def recorded():
    for path in sorted(RECORDED.glob("agent-*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            if row["operation"] in OPERATIONS:
                yield pytest.param(row, id=f"{row['id']}-{row['operation']}")


@pytest.mark.parametrize("row", list(recorded()))
def test_a_recorded_request_of_an_agent_is_taken_whole(row):
    operation = OPERATIONS[row["operation"]]
    body = bytes.fromhex(row["body_hex"])
    request = json_protocol.decode(operation.input, body)
    validate(request)
    assert json.loads(json_protocol.encode(request)) == json.loads(body)


def registration(**members):
    return RegisterManagedInstanceRequest(
        **{
            "activation_code": CODE,
            "activation_id": "11111111-2222-4333-8444-555555555555",
            "public_key": "A" * 392,
            "fingerprint": "c771acc6-e6ed-4dad-a118-e3c32448a79b",
            **members,
        }
    )


@pytest.mark.parametrize(
    "members",
    [
        {"activation_code": "x" * 19},
        {"activation_code": "x" * 251},
        {"activation_id": "1"},
        {"public_key": "A" * 391},
        {"public_key": "A" * 4097},
        {"public_key_type": "Dsa"},
        {"fingerprint": "a b"},
        {"fingerprint": ""},
    ],
)
def test_what_no_agent_sends_is_refused_without_telling_the_code(members):
    validate(registration())
    with pytest.raises(ValidationFailed) as caught:
        validate(registration(**members))
    assert members.get("activation_code", CODE) not in str(caught.value)


def test_a_heartbeat_is_bounded_member_by_member():
    validate(UpdateInstanceInformationRequest(instance_id="mi-0123456789abcdef0", computer_name="x" * 255))
    with pytest.raises(ValidationFailed, match="'computerName'"):
        validate(
            UpdateInstanceInformationRequest(instance_id="mi-0123456789abcdef0", computer_name="x" * 256)
        )
