import pytest

from tools.faults.loads import transfer_of
from tools.faults.plan import LOADS


@pytest.mark.parametrize("load", LOADS)
def test_what_a_transfer_carries_follows_from_seed_load_and_number(load: str) -> None:
    assert transfer_of(1, load, 3) == transfer_of(1, load, 3)
    others = [transfer_of(2, load, 3), transfer_of(1, load, 4)]
    assert all(other.content.block(0) != transfer_of(1, load, 3).content.block(0) for other in others)


@pytest.mark.parametrize("load", LOADS)
def test_a_transfer_lasts_for_several_faults_and_ends_within_the_run(load: str) -> None:
    for number in range(1, 50):
        transfer = transfer_of(1, load, number)
        assert 2 < transfer.size / transfer.rate < 30
        assert transfer.size % transfer.content.block_bytes == 0 or load != "echo"
