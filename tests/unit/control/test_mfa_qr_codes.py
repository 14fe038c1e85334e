import struct
import zlib

import segno

from fairlead.control.mfa_qr_codes import otpauth_uri, qr_code_png

URI = "otpauth://totp/phone@111122223333?secret=GEZDGNBV"
MARGIN = 4


def modules_of(png):
    """The dark modules of a picture with one bit for each pixel, without its margin; read by hand."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    chunks, position = {}, 8
    while position < len(png):
        (length,) = struct.unpack_from(">I", png, position)
        kind, body = png[position + 4 : position + 8], png[position + 8 : position + 8 + length]
        assert struct.unpack_from(">I", png, position + 8 + length) == (zlib.crc32(kind + body),)
        chunks[kind] = chunks.get(kind, b"") + body
        position += length + 12
    width, height, depth, color, _, _, interlace = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert (height, depth, color, interlace) == (width, 1, 0, 0)
    row_bytes = (width + 7) // 8
    data = zlib.decompress(chunks[b"IDAT"])
    row, rows = bytes(row_bytes), []
    for start in range(0, len(data), row_bytes + 1):
        packed = data[start + 1 : start + 1 + row_bytes]
        above = {0: bytes(row_bytes), 2: row}[data[start]]  # no filter, or the difference to the row above
        row = bytes((now + before) % 256 for now, before in zip(packed, above, strict=True))
        rows.append([1 - (row[x // 8] >> (7 - x % 8) & 1) for x in range(width)])
    assert len(rows) == height
    scale = next(x for x in range(width) if rows[x][x]) // MARGIN
    dark = [row[::scale] for row in rows[::scale]]
    edges = [*dark[:MARGIN], *dark[-MARGIN:], *(row[:MARGIN] + row[-MARGIN:] for row in dark)]
    assert not any(map(any, edges))
    return [row[MARGIN:-MARGIN] for row in dark[MARGIN:-MARGIN]]


def test_the_picture_is_the_code_of_the_text():
    found = modules_of(qr_code_png(URI))
    assert found == [list(row) for row in segno.make(URI, error="l", micro=False).matrix]
    assert found != modules_of(qr_code_png(URI + "A"))


def test_the_text_is_what_authenticator_apps_read():
    assert otpauth_uri("phone", "111122223333", b"GEZDGNBV") == URI
    assert otpauth_uri("a+b=c,d", "1", b"A") == "otpauth://totp/a%2Bb%3Dc%2Cd@1?secret=A"


def test_the_longest_name_still_fits():
    assert qr_code_png(otpauth_uri("+" * 256, "111122223333", b"A" * 52))
