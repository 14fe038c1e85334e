"""What policies see of a token."""

from fairlead.domain.web_identity import WebIdentity

ADA = WebIdentity(provider="login.example/a", subject="ada", audience="fairlead")


def test_claims_are_condition_keys_named_after_the_provider() -> None:
    assert ADA.context() == {
        "aws:FederatedProvider": "login.example/a",
        "login.example/a:aud": "fairlead",
        "login.example/a:sub": "ada",
        "login.example/a:amr": (),
    }


def test_the_provider_is_a_principal_of_the_account() -> None:
    arn = ADA.provider_arn("111122223333")
    assert arn == "arn:aws:iam::111122223333:oidc-provider/login.example/a"
