"""Command line: arguments to calls, one module per command; imports late."""
