from fairlead.policy.context import Context


def test_keys_are_found_without_regard_to_case():
    assert Context({"aws:PrincipalTag/Team": "Red"}).single("AWS:principaltag/team") == "Red"


def test_an_absent_key_has_no_value():
    assert Context({}).single("aws:username") is None


def test_a_multivalued_key_has_no_single_value():
    assert Context({"aws:TagKeys": ("a",)}).single("aws:TagKeys") is None


def test_an_empty_value_is_a_value():
    assert Context({"aws:PrincipalTag/t": ""}).single("aws:PrincipalTag/t") == ""
