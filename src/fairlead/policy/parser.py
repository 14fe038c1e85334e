"""From the text of an identity policy to a `PolicyDocument`.

All or nothing: a document is either understood to the last element or refused, so what is stored is what is
evaluated. Sizes per user, group, role or policy are in `limits`; who stores a document checks them.
"""

from fairlead.policy.document import PolicyDocument, Statement, Version
from fairlead.policy.errors import PRINCIPAL_PRESENT, VERSION_TOO_OLD, MalformedPolicy
from fairlead.policy.grammar import (
    Object,
    read_actions,
    read_condition,
    read_effect,
    read_resources,
    read_sid,
    read_statements,
    read_version,
    refuse_double_sids,
    refuse_unknown,
)
from fairlead.policy.strict_json import read_object

_DOCUMENT_ELEMENTS = frozenset({"Version", "Statement"})
_STATEMENT_ELEMENTS = frozenset(
    {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"}
)
_PRINCIPAL_ELEMENTS = ("Principal", "NotPrincipal")


def parse_identity_policy(text: str, *, is_managed: bool = False) -> PolicyDocument:
    """Parse a policy of a user, group or role. Raises MalformedPolicy.

    A managed policy must say that it is written in the language of 2012, as in the live service; an inline
    policy without `Version` is read in the old one.
    """
    document = read_object(text)
    refuse_unknown(document, _DOCUMENT_ELEMENTS, "document")
    version = read_version(document)
    if is_managed and version is not Version.V2012:
        raise MalformedPolicy(VERSION_TOO_OLD)
    statements = tuple(
        _statement(index, element, version, where)
        for index, (element, where) in enumerate(read_statements(document))
    )
    refuse_double_sids(statement.sid for statement in statements)
    return PolicyDocument(version, statements)


def _statement(index: int, element: Object, version: Version, where: str) -> Statement:
    for name in _PRINCIPAL_ELEMENTS:
        if name in element:
            raise MalformedPolicy(PRINCIPAL_PRESENT, where)
    refuse_unknown(element, _STATEMENT_ELEMENTS, where)
    return Statement(
        index=index,
        sid=read_sid(element, where),
        effect=read_effect(element, where),
        actions=read_actions(element, where),
        resources=read_resources(element, version, where),
        condition=read_condition(element, version, where),
    )
