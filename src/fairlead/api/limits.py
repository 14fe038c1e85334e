"""What one request may cost before anybody knows who sent it. Sizes in bytes.

The time that a request may take to arrive, and how many sockets may wait, are limited where sockets are
accepted.
"""

MAX_HEADER_BYTES = 16 * 1024
"""Request target and headers together. The transport refuses such a request too; here it gets a code."""

MAX_BODY_BYTES = 256 * 1024
"""The body, however it is framed."""

MAX_UNSIGNED_BODY_BYTES = 16 * 1024
"""The body of an operation that is unsigned by design: decoding the longest one would give anybody 100 ms of
the event loop. A machine that registers sends about a thousand bytes."""

MAX_DISCARDED_BYTES = 4 * MAX_BODY_BYTES
"""How much of an oversized body is still read and thrown away. Closing a socket that holds unread bytes
resets the connection, and then the sender may never see why it was refused."""

MAX_BODY_BYTES_ON_LOOP = 16 * 1024
"""Longest body that is decoded on the event loop: a crafted one takes the loop's time in proportion. 256 KiB
of empty list entries took 200 ms, this much takes 12."""
