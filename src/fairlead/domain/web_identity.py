"""Who somebody is in the words of an identity provider: what a verified OpenID Connect ID token says."""

from collections.abc import Mapping
from dataclasses import dataclass

from fairlead.aws.arn import PARTITION
from fairlead.policy.context import ContextValue


@dataclass(frozen=True, slots=True, kw_only=True)
class WebIdentity:
    """The claims of a token whose signature, issuer, audience and times have been found good.

    `provider` is the issuer's URL without `https://`: policies name it so. `audience` is the client id that
    the token was issued to.
    """

    provider: str
    subject: str
    audience: str
    authorized_party: str | None = None
    methods: tuple[str, ...] = ()
    """How the user signed in (`amr`)."""

    @property
    def name(self) -> str:
        """What the audit trail calls him, as AWS does: provider, audience and subject."""
        return f"{self.provider}:{self.audience}:{self.subject}"

    def provider_arn(self, account_id: str) -> str:
        """The provider as a Federated principal of an account."""
        return f"arn:{PARTITION}:iam::{account_id}:oidc-provider/{self.provider}"

    def context(self) -> Mapping[str, ContextValue]:
        """The condition keys of the token (IAM User Guide, "AWS web identity federation")."""
        keys: dict[str, ContextValue] = {
            "aws:FederatedProvider": self.provider,
            f"{self.provider}:aud": self.audience,
            f"{self.provider}:sub": self.subject,
            f"{self.provider}:amr": self.methods,
        }
        if self.authorized_party is not None:
            keys[f"{self.provider}:azp"] = self.authorized_party
        return keys
