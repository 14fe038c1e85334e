import json

import pytest

from fairlead.policy.errors import MalformedPolicy
from fairlead.policy.trust_parser import parse_trust_policy
from fairlead.policy.trust_renaming import with_principals_renamed

BOB = "arn:aws:iam::111122223333:user/bob"
ALICE = "arn:aws:iam::111122223333:user/alice"
BOBS_ID = "AIDABOB00000000000001"


def renamed(statement, text=json.dumps):
    document = text({"Version": "2012-10-17", "Statement": statement})
    result = with_principals_renamed(document, lambda name: BOBS_ID if name == BOB else name)
    parse_trust_policy(result)
    return json.loads(result)["Statement"]


def allow(principal, element="Principal", effect="Allow", **members):
    return {"Effect": effect, element: principal, "Action": "sts:AssumeRole", **members}


@pytest.mark.parametrize("listed", [BOB, [ALICE, BOB]])
@pytest.mark.parametrize(("element", "effect"), [("Principal", "Allow"), ("NotPrincipal", "Deny")])
def test_who_is_named_gets_another_name_wherever_principals_stand(listed, element, effect):
    statement = allow({"AWS": listed, "Service": "ssm.amazonaws.com"}, element, effect)
    expected = BOBS_ID if listed == BOB else [ALICE, BOBS_ID]
    result = renamed(statement)
    assert result == {**statement, element: {**statement[element], "AWS": expected}}
    assert renamed([allow("*"), statement]) == [allow("*"), result]


def test_conditions_keep_their_meaning():
    condition = {"StringNotEquals": {"aws:PrincipalArn": BOB}, "NumericLessThan": {"aws:EpochTime": 1.50}}
    result = renamed(allow({"AWS": BOB}, Condition=condition))
    assert result["Condition"]["StringNotEquals"] == {"aws:PrincipalArn": BOB}
    assert result["Condition"]["NumericLessThan"] == {"aws:EpochTime": "1.5"}


def test_a_name_written_with_escapes_is_the_same_name():
    def escaped(document):
        return json.dumps(document).replace("user/bob", "user\\/\\u0062ob")

    assert renamed(allow({"AWS": BOB}), escaped)["Principal"] == {"AWS": BOBS_ID}


@pytest.mark.parametrize(
    "principal", ["*", {"AWS": ALICE}, {"AWS": BOB + "2"}, {"Service": "ssm.amazonaws.com"}]
)
def test_a_policy_that_names_others_stays_to_the_letter(principal):
    text = json.dumps({"Version": "2012-10-17", "Statement": [allow(principal)]}, indent=7)
    assert with_principals_renamed(text, lambda name: BOBS_ID if name == BOB else name) is text


def test_what_is_no_policy_is_refused():
    with pytest.raises(MalformedPolicy):
        with_principals_renamed("[", str)
