"""The XOR mask of client frames (RFC 6455 §5.3), in C where it can be had.

The C function lives in the extension file of the `websockets` package. It is loaded from that file directly:
importing the package would cost a client more than its own start. In pure Python the same work takes some
seventy times longer, so its absence is worth a line in the debug log (`is_fast` tells).
"""

from __future__ import annotations

import sys
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, ModuleSpec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Mask = Callable[[bytes | bytearray | memoryview, bytes], bytes]

EXTENSION_NAME = "websockets.speedups"


def mask_in_python(data: bytes | bytearray | memoryview, key: bytes) -> bytes:
    """`data` XOR the 4-byte `key` repeated: one big-integer operation, for want of anything faster."""
    size = len(data)
    repeated = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(data, "little") ^ int.from_bytes(repeated, "little")).to_bytes(size, "little")


def load_c_mask(search_path: Iterable[str]) -> Mask | None:
    """The C function from the first extension file found on `search_path`, or None. Never raises."""
    for folder in search_path:
        for suffix in EXTENSION_SUFFIXES:
            file = f"{folder or '.'}/websockets/speedups{suffix}"
            loader = ExtensionFileLoader(EXTENSION_NAME, file)
            try:
                module = loader.create_module(ModuleSpec(EXTENSION_NAME, loader, origin=file))
                loader.exec_module(module)
                apply: Mask = module.apply_mask
                if apply(b"\x00\x01\x02\x03\x04", b"\x01\x02\x03\x04") == b"\x01\x03\x01\x07\x05":
                    return apply
            except (ImportError, OSError, AttributeError, TypeError):
                continue
    return None


def _choose() -> tuple[Mask, bool]:
    fast = load_c_mask(sys.path)
    return (mask_in_python, False) if fast is None else (fast, True)


apply_mask, is_fast = _choose()
