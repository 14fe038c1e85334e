"""The node process: identity, outbound connection, session workers."""
