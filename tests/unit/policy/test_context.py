from fairlead.policy.context import Context


def test_keys_are_found_without_regard_to_case():
    assert Context({"aws:PrincipalTag/Team": "Red"}).single("AWS:principaltag/team") == "Red"


def test_an_absent_key_has_no_value():
    assert Context({}).single("aws:username") is None


def test_a_multivalued_key_has_no_single_value():
    assert Context({"aws:TagKeys": ("a",)}).single("aws:TagKeys") is None


def test_an_empty_value_is_a_value():
    assert Context({"aws:PrincipalTag/t": ""}).single("aws:PrincipalTag/t") == ""


def test_an_empty_set_of_values_counts_as_absent():
    context = Context({"aws:TagKeys": (), "aws:username": ""})
    assert context.values("aws:TagKeys") == ()
    assert context.missing(("aws:tagkeys", "aws:username")) == ("aws:tagkeys",)


def test_every_value_of_a_key_can_be_asked_for():
    context = Context({"aws:TagKeys": ("a", "b"), "aws:username": "al"})
    assert context.values("AWS:TagKeys") == ("a", "b")
    assert context.values("aws:username") == ("al",)


def test_more_keys_win_over_those_there_were():
    context = Context({"ssm:resourceTag/a": "1", "aws:username": "al"}).extended({"SSM:ResourceTag/A": "2"})
    assert context.single("ssm:resourceTag/a") == "2"
    assert context.single("aws:username") == "al"
