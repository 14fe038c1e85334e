"""DER taken apart and put together again with indefinite lengths: BER as Java programs write it."""


def encoded(tag: int, body: bytes) -> bytes:
    """One element in DER."""
    size = len(body)
    if size < 0x80:
        return bytes((tag, size)) + body
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((tag, 0x80 | len(length))) + length + body


def indefinite(tag: int, body: bytes) -> bytes:
    """One constructed element with an indefinite length."""
    return bytes((tag, 0x80)) + body + b"\0\0"


def split(data: bytes) -> list[tuple[int, bytes]]:
    """Tags and bodies of the DER elements that follow each other."""
    found = []
    while data:
        size, start = data[1], 2
        if size >= 0x80:
            start += size & 0x7F
            size = int.from_bytes(data[2:start])
        found.append((data[0], data[start : start + size]))
        data = data[start + size :]
    return found


def loosely(signed_data: bytes) -> bytes:
    """A SignedData in DER with indefinite lengths around its content, and that in two pieces."""
    [(_, info)] = split(signed_data)
    kind, (_, wrapped) = split(info)
    [(_, signed)] = split(wrapped)
    version, algorithms, (_, encapsulated), *rest = split(signed)
    parts = split(encapsulated)
    body = encoded(*parts[0])
    if len(parts) > 1:
        [(_, content)] = split(parts[1][1])
        pieces = encoded(0x04, content[:7]) + encoded(0x04, content[7:])
        body += indefinite(0xA0, indefinite(0x24, pieces))
    members = [
        encoded(*version),
        encoded(*algorithms),
        indefinite(0x30, body),
        *(encoded(*each) for each in rest),
    ]
    return indefinite(0x30, encoded(*kind) + indefinite(0xA0, indefinite(0x30, b"".join(members))))
