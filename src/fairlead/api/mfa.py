"""Operations of `iam` on virtual MFA devices."""

from collections.abc import Callable, Mapping
from typing import Any

from fairlead.api.exchange import Exchange
from fairlead.api.iam import iam_handlers
from fairlead.aws.shapes import Operation
from fairlead.control.mfa import Mfa
from fairlead.domain.operations import mfa as operations


# Any: the output dataclass of the operation at hand.
def handlers(use_cases: Mfa) -> Mapping[Operation, Callable[[Exchange], Any]]:
    """The rows of the table from operations to use cases."""
    return iam_handlers(
        {
            operations.CREATE_VIRTUAL_MFA_DEVICE: use_cases.create_virtual_mfa_device,
            operations.ENABLE_MFA_DEVICE: use_cases.enable_mfa_device,
            operations.RESYNC_MFA_DEVICE: use_cases.resync_mfa_device,
            operations.DEACTIVATE_MFA_DEVICE: use_cases.deactivate_mfa_device,
            operations.DELETE_VIRTUAL_MFA_DEVICE: use_cases.delete_virtual_mfa_device,
            operations.LIST_MFA_DEVICES: use_cases.list_mfa_devices,
            operations.LIST_VIRTUAL_MFA_DEVICES: use_cases.list_virtual_mfa_devices,
        }
    )
