"""Policy variables: `${aws:username}`, `${aws:PrincipalTag/team, 'none'}`, `${*}`.

Source: IAM User Guide, "IAM policy elements: Variables and tags". They exist under version 2012-10-17 only;
in an older document the same characters are plain text, and this module is not asked. What a variable
brings in is literal: a `*` in a user's name must not widen a grant.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fairlead.policy.context import Context
from fairlead.policy.errors import SYNTAX, MalformedPolicy, shown
from fairlead.policy.wildcards import Token, tokens_of


@dataclass(frozen=True, slots=True)
class Variable:
    """A context key whose value is filled in at each request, and the text to take if there is none."""

    key: str
    default: str | None = None


Template = tuple[Token | Variable, ...]
"""A pattern with places to fill in."""

# Possessive quantifiers: a long unfinished variable is read once, not once per length.
_VARIABLE = re.compile(r"\$\{(?:([*?$])|([^{}$,']++)(?:,\s*+'([^']*+)'\s*+)?)\}")


def parse_template(text: str) -> Template:
    """The pattern in `text`, variables included.

    Raises MalformedPolicy for `${` without a readable key and a closing brace.
    """
    return tuple(_tokens(text))


def _tokens(text: str) -> Iterator[Token | Variable]:
    position = 0
    while (start := text.find("${", position)) >= 0:
        yield from tokens_of(text[position:start])
        found = _VARIABLE.match(text, start)
        if found is None or (found[2] is not None and not found[2].strip()):
            raise MalformedPolicy(SYNTAX, f'unreadable policy variable in "{shown(text)}"')
        yield found[1] or Variable(found[2].strip(), found[3])
        position = found.end()
    yield from tokens_of(text[position:])


def keys_of(template: Template) -> tuple[str, ...]:
    """The context keys that the template refers to."""
    return tuple(token.key for token in template if isinstance(token, Variable))


def fill_in(template: Template, context: Context) -> list[Token] | None:
    """The pattern for one request; None if a key is absent or multivalued and has no default."""
    tokens: list[Token] = []
    for token in template:
        if isinstance(token, Variable):
            value = context.single(token.key)
            text = token.default if value is None else value
            if text is None:
                return None
            tokens.append(text)
        else:
            tokens.append(token)
    return tokens
