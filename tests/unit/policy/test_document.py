from fairlead.policy.document import Version
from fairlead.policy.parser import parse_identity_policy


def test_only_the_language_of_2012_has_variables():
    assert Version.V2012.has_variables
    assert not Version.V2008.has_variables


def test_a_statement_knows_the_context_keys_it_refers_to():
    text = """{"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Action": "ssm:*",
        "Resource": ["*", "arn:aws:ssm:*:*:session/${aws:username}-${aws:userid, 'x'}"],
        "Condition": {"StringLike": {"aws:PrincipalTag/team": ["a", "${aws:userid}", "${aws:PrincipalArn}"]}}
    }}"""
    (statement,) = parse_identity_policy(text).statements
    assert statement.keys == ("aws:username", "aws:userid", "aws:PrincipalTag/team", "aws:PrincipalArn")
