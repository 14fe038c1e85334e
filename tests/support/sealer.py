"""A sealer for tests: reversible, and bound to its row like the real one."""


class XorSealer:
    """Keeps nothing secret; a value opened for another row fails."""

    def seal(self, plain: bytes, bound_to: bytes) -> bytes:
        return bound_to + b"\0" + bytes(byte ^ 0x55 for byte in plain)

    def open(self, sealed: bytes, bound_to: bytes) -> bytes:
        row, _, body = sealed.partition(b"\0")
        if row != bound_to:
            raise ValueError("sealed for another row")
        return bytes(byte ^ 0x55 for byte in body)
