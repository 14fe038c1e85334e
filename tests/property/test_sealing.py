"""Laws of sealed values."""

import itertools

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fairlead.control.sealing import KEY_BYTES, SealBroken, Sealer


def sealer(key):
    counter = itertools.count()
    return Sealer(key, lambda size: next(counter).to_bytes(size, "big"))


keys = st.binary(min_size=KEY_BYTES, max_size=KEY_BYTES)


@given(key=keys, plain=st.binary(max_size=200), place=st.binary(max_size=20))
def test_what_is_sealed_opens_in_its_place(key, plain, place):
    assert sealer(key).open(sealer(key).seal(plain, place), place) == plain


@given(key=keys, plain=st.binary(max_size=50), place=st.binary(max_size=9), other=st.binary(max_size=9))
def test_what_is_sealed_does_not_open_in_another_place(key, plain, place, other):
    assume(place != other)
    with pytest.raises(SealBroken):
        sealer(key).open(sealer(key).seal(plain, place), other)


@given(key=keys, junk=st.binary(max_size=200))
def test_junk_does_not_open(key, junk):
    with pytest.raises(SealBroken):
        sealer(key).open(junk, b"")
