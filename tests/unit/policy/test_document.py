from fairlead.policy.context import Context
from fairlead.policy.document import Effect, Statement, Version
from fairlead.policy.matching import ResourceSet, action_set, resource_name, resource_pattern


def test_only_the_language_of_2012_has_variables():
    assert Version.V2012.has_variables
    assert not Version.V2008.has_variables


def test_a_statement_applies_to_the_resources_it_holds():
    pattern = resource_pattern("arn:aws:ssm:*:*:document/A", with_variables=True)
    statement = Statement(
        0, None, Effect.ALLOW, action_set(("*",), negated=False), ResourceSet((pattern,), negated=False)
    )
    assert statement.applies_to(resource_name("arn:aws:ssm:us-east-1::document/A"), Context({}))
    assert not statement.applies_to(resource_name("arn:aws:ssm:us-east-1::document/B"), Context({}))
