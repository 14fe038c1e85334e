"""Why a server does not start."""


class StartError(Exception):
    """One line for the operator: what is wrong, and what to do about it."""
