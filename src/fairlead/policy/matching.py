"""Does a statement's `Action`, `NotAction`, `Resource` or `NotResource` name what is asked for?

Actions are compared without case. Resources are compared with case and field by field, split at the first
five colons, so that a `*` for the Region cannot reach into the account. An empty field, such as the account
in the ARN of a document that AWS owns, is matched by `*` and not by a literal.
Whether a pattern is well formed was settled by `grammar` when the document was read.
"""

from dataclasses import dataclass

from fairlead.policy.context import Context
from fairlead.policy.variables import Template, fill_in, keys_of, parse_template
from fairlead.policy.wildcards import Glob, compile_glob, has_wildcards, tokens_of

EVERYTHING = "*"
ARN_FIELDS = 6
_RESOURCE_FIELD = ARN_FIELDS - 1


@dataclass(frozen=True, slots=True)
class ActionSet:
    """The actions of a statement: those listed, or (`negated`) all but those listed."""

    patterns: tuple[str, ...]
    negated: bool
    _exact: frozenset[str]
    _globs: tuple[Glob, ...]

    def contains(self, action: str) -> bool:
        """`action` is in lower case."""
        if action in self._exact:
            return not self.negated
        for glob in self._globs:
            if glob.matches(action):
                return not self.negated
        return self.negated


def action_set(patterns: tuple[str, ...], *, negated: bool) -> ActionSet:
    """Compile the patterns of an `Action` or `NotAction`."""
    lowered = [pattern.lower() for pattern in patterns]
    return ActionSet(
        patterns,
        negated,
        frozenset(text for text in lowered if not has_wildcards(text)),
        tuple(compile_glob(tokens_of(text)) for text in lowered if has_wildcards(text)),
    )


@dataclass(frozen=True, slots=True)
class ResourceName:
    """A resource of a request, split once. `fields` is empty unless the text is an ARN."""

    text: str
    fields: tuple[str, ...]


def resource_name(text: str) -> ResourceName:
    """Split a resource. What is not an ARN, such as the `*` of list actions, is matched by `*` alone."""
    fields = tuple(text.split(":", _RESOURCE_FIELD))
    is_arn = len(fields) == ARN_FIELDS and fields[0] == "arn"
    return ResourceName(text, fields if is_arn else ())


@dataclass(frozen=True, slots=True)
class ResourcePattern:
    """One entry of a `Resource` or `NotResource`; made by `resource_pattern`."""

    text: str
    _exact: tuple[tuple[int, str], ...]
    """The fields that are plain text, by position, those first that differ most from pattern to pattern."""
    _globs: tuple[tuple[int, Glob], ...]
    """The fields with wildcards, without those that are just `*`."""
    _template: Template | None
    """The last field, if it has variables."""

    def matches(self, resource: ResourceName, context: Context) -> bool:
        """Does this entry name the resource in this request?"""
        fields = resource.fields
        if self.text == EVERYTHING or not fields:
            return self.text == EVERYTHING
        for position, text in self._exact:
            if fields[position] != text:
                return False
        for position, glob in self._globs:
            if not glob.matches(fields[position]):
                return False
        if self._template is None:
            return True
        tokens = fill_in(self._template, context)
        return tokens is not None and compile_glob(tokens).matches(fields[_RESOURCE_FIELD])

    @property
    def is_literal(self) -> bool:
        """Does it name one resource, letter for letter?"""
        return len(self._exact) == _RESOURCE_FIELD

    @property
    def keys(self) -> tuple[str, ...]:
        """The context keys that it refers to."""
        return keys_of(self._template or ())


def resource_pattern(text: str, *, with_variables: bool) -> ResourcePattern:
    """Compile `*` or an ARN pattern. Raises MalformedPolicy for an unreadable variable."""
    exact: list[tuple[int, str]] = []
    globs: list[tuple[int, Glob]] = []
    template: Template | None = None
    fields = text.split(":", _RESOURCE_FIELD)
    for position in range(len(fields) - 1, 0, -1):  # `arn` itself is never in doubt
        field = fields[position]
        if with_variables and position == _RESOURCE_FIELD and "${" in field:
            template = parse_template(field)
        elif not has_wildcards(field):
            exact.append((position, field))
        elif field != EVERYTHING:
            globs.append((position, compile_glob(tokens_of(field))))
    return ResourcePattern(text, tuple(exact), tuple(globs), template)


@dataclass(frozen=True, slots=True)
class ResourceSet:
    """The resources of a statement: those listed, or (`negated`) all but those listed."""

    patterns: tuple[ResourcePattern, ...]
    negated: bool
    _literal: frozenset[str]
    _others: tuple[ResourcePattern, ...]

    def contains(self, resource: ResourceName, context: Context) -> bool:
        """An entry with a variable that has no value names nothing, in either form of the element."""
        if resource.text in self._literal:
            return not self.negated
        for pattern in self._others:
            if pattern.matches(resource, context):
                return not self.negated
        return self.negated

    @property
    def keys(self) -> tuple[str, ...]:
        """The context keys that the entries refer to."""
        return tuple(key for pattern in self.patterns for key in pattern.keys)


def resource_set(patterns: tuple[ResourcePattern, ...], *, negated: bool) -> ResourceSet:
    """The set of compiled entries. Those that name one resource are looked up, not compared one by one."""
    return ResourceSet(
        patterns,
        negated,
        frozenset(pattern.text for pattern in patterns if pattern.is_literal),
        tuple(pattern for pattern in patterns if not pattern.is_literal),
    )
