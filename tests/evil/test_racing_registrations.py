"""A hundred machines with one activation code, all at once."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from fairlead.agent import keys
from tests.evil.stage import Checked, Peer, Stage

MACHINES = 100
LIMIT = 10
FINGERPRINT = "7d2cfc0f-6a3f-4c1e-9c56-0d7f1c2b9a1{:x}"


def test_racing_registrations_never_pass_the_limit(stage: Stage) -> None:
    activation = stage.add_activation(LIMIT)
    public_key = keys.generate_key().public_base64
    peers = [Peer(stage) for _ in range(MACHINES)]
    start = threading.Barrier(MACHINES)

    def register(number: int) -> Checked:
        start.wait()
        return peers[number].ssm(
            "RegisterManagedInstance",
            ActivationId=activation["ActivationId"],
            ActivationCode=activation["ActivationCode"],
            Fingerprint=FINGERPRINT.format(number % 16),
            PublicKey=public_key,
            PublicKeyType="Rsa",
        )

    with ThreadPoolExecutor(MACHINES) as pool:
        answers = list(pool.map(register, range(MACHINES)))

    assert Counter(answer.code or "registered" for answer in answers) == {
        "registered": LIMIT,
        "RegistrationLimitExceeded": MACHINES - LIMIT,
    }
    node_ids = {answer.json["InstanceId"] for answer in answers if answer.status == 200}
    assert len(node_ids) == LIMIT
    assert {item["InstanceId"] for item in _nodes(stage)} == node_ids
    described = stage.admin.ssm("DescribeActivations").expect(200).json["ActivationList"]
    assert [item["RegistrationsCount"] for item in described] == [LIMIT]
    assert len(stage.audit("RegisterManagedInstance", error_code=None)) == LIMIT
    refused = stage.audit("RegisterManagedInstance", error_code="RegistrationLimitExceeded")
    assert len(refused) == MACHINES - LIMIT
    assert len({record["source_address"] for record in refused}) == MACHINES - LIMIT


def _nodes(stage: Stage) -> list[dict[str, str]]:
    answer = stage.admin.ssm("DescribeInstanceInformation", MaxResults=50).expect(200).json
    return list(answer["InstanceInformationList"])
