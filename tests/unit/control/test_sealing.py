"""Sealed values open where they belong, with the key that made them, and unchanged."""

import itertools

import pytest

from fairlead.control.sealing import OVERHEAD_BYTES, SealBroken, Sealer

KEY, OLDER = bytes(32), bytes([1]) * 32


def sealer(key=KEY, *previous):
    counter = itertools.count()
    return Sealer(key, lambda count: next(counter).to_bytes(count), previous)


@pytest.mark.parametrize("plain", [b"", b"secret", bytes(100_000)])
def test_a_sealed_value_opens(plain):
    sealed = sealer().seal(plain, b"row 1")
    assert len(sealed) == len(plain) + OVERHEAD_BYTES
    assert sealer().open(sealed, b"row 1") == plain


def test_the_same_value_is_sealed_differently_each_time():
    one = sealer()
    assert one.seal(b"x", b"") != one.seal(b"x", b"")


def test_a_value_moved_to_another_place_does_not_open():
    sealed = sealer().seal(b"secret", b"row 1")
    with pytest.raises(SealBroken):
        sealer().open(sealed, b"row 2")


def test_a_value_with_any_bit_changed_does_not_open():
    sealed = sealer().seal(b"secret", b"row 1")
    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 1
        with pytest.raises(SealBroken):
            sealer().open(bytes(changed), b"row 1")


def test_a_value_cut_short_does_not_open():
    sealed = sealer().seal(b"secret", b"row 1")
    for length in range(len(sealed)):
        with pytest.raises(SealBroken):
            sealer().open(sealed[:length], b"row 1")


def test_after_a_change_of_key_old_values_open_and_new_ones_use_the_new_key():
    old = sealer(OLDER).seal(b"secret", b"row")
    changed = sealer(KEY, OLDER)
    assert changed.open(old, b"row") == b"secret"
    assert not changed.is_current(old)
    new = changed.seal(b"secret", b"row")
    assert changed.is_current(new)
    assert sealer(KEY).open(new, b"row") == b"secret"
    with pytest.raises(SealBroken, match="not sealed with a key of this installation"):
        sealer(KEY).open(old, b"row")


def test_a_key_of_another_length_is_refused():
    for keys in ((b"short",), (KEY, b"short")):
        with pytest.raises(ValueError, match="32 bytes"):
            sealer(*keys)
