"""The operations behind policies as files, called as the client calls them but without a wire."""

import json
from typing import Any

from fairlead.aws import json_protocol
from fairlead.domain.callers import Caller
from fairlead.domain.operations import identity_changes as operations
from tests.support.control_world import World


class IdentityApi:
    """`client.admin_api.AdminApi` for three operations, in the name of a caller."""

    def __init__(self, world: World, caller: Caller) -> None:
        use_cases = world.identity_changes
        self.calls: list[str] = []
        self._caller = caller
        self._use_cases: dict[str, tuple[type[Any], Any]] = {
            "ExportIdentities": (operations.ExportIdentitiesRequest, use_cases.export_identities),
            "PlanIdentityChanges": (operations.PlanIdentityChangesRequest, use_cases.plan_identity_changes),
            "ApplyIdentityChanges": (
                operations.ApplyIdentityChangesRequest,
                use_cases.apply_identity_changes,
            ),
        }

    def call(self, operation: str, members: dict[str, Any]) -> dict[str, Any]:
        """The members of the answer; what a use case raises is raised."""
        self.calls.append(operation)
        structure, use_case = self._use_cases[operation]
        request = json_protocol.decode(structure, json.dumps(members).encode())
        answer: dict[str, Any] = json.loads(json_protocol.encode(use_case(self._caller, request)))
        return answer
