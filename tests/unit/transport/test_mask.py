"""The mask in C and in Python."""

import os

import pytest

from fairlead.transport import mask


def slow(data: bytes, key: bytes) -> bytes:
    return bytes(byte ^ key[index % 4] for index, byte in enumerate(data))


@pytest.mark.parametrize("apply", [mask.mask_in_python, mask.apply_mask], ids=["python", "chosen"])
@pytest.mark.parametrize("size", [0, 1, 3, 4, 5, 8, 125, 4096, 65535])
def test_both_agree_with_the_definition(apply, size):
    data, key = os.urandom(size), os.urandom(4)
    assert apply(data, key) == slow(data, key)
    assert apply(memoryview(bytearray(data)), key) == slow(data, key)


def test_the_c_function_is_found_where_websockets_is_installed():
    assert mask.is_fast


def test_without_the_extension_there_is_none(tmp_path):
    assert mask.load_c_mask([str(tmp_path), ""]) is None


def test_a_file_that_is_no_extension_is_passed_over(tmp_path):
    folder = tmp_path / "websockets"
    folder.mkdir()
    for suffix in mask.EXTENSION_SUFFIXES:
        (folder / f"speedups{suffix}").write_bytes(b"not an extension")
    assert mask.load_c_mask([str(tmp_path)]) is None
