"""Space that is kept for administration."""

import pytest

from fairlead.server.disk_reserve import EMPTY_BYTES, LOW_BYTES, RESERVE_BYTES, DiskReserve, free_bytes


class Disk:
    """How much is free, beside what the reserve takes."""

    def __init__(self, path, free):
        self.path = path
        self.size = free

    def free(self, directory):
        assert directory == self.path.parent
        return self.size - (self.path.stat().st_blocks * 512 if self.path.exists() else 0)


@pytest.fixture
def disk(tmp_path):
    return Disk(tmp_path / "reserve", 100_000_000)


def test_space_is_taken_for_real_and_only_the_owner_can_read_it(disk):
    reserve = DiskReserve(disk.path, disk.free)
    assert reserve.hold()
    status = disk.path.stat()
    assert status.st_size == RESERVE_BYTES
    assert status.st_blocks * 512 >= RESERVE_BYTES
    assert status.st_mode & 0o077 == 0
    assert reserve.has_room()


def test_a_disk_that_is_too_small_from_the_start_has_no_room(disk):
    disk.size = RESERVE_BYTES + LOW_BYTES - 1
    assert not DiskReserve(disk.path, disk.free).has_room()
    assert not disk.path.exists()


def test_little_room_stops_sessions_and_no_room_gives_the_reserve_back(disk):
    reserve = DiskReserve(disk.path, disk.free)
    assert reserve.has_room()
    disk.size = RESERVE_BYTES + LOW_BYTES - 1_000_000
    reserve.make_room()
    assert not reserve.has_room()
    assert disk.path.stat().st_size == RESERVE_BYTES
    disk.size = RESERVE_BYTES + EMPTY_BYTES - 1_000_000
    reserve.make_room()
    assert disk.path.stat().st_size == 0
    assert not reserve.has_room()


def test_sessions_start_again_once_the_reserve_is_whole(disk):
    reserve = DiskReserve(disk.path, disk.free)
    reserve.hold()
    disk.size = RESERVE_BYTES
    reserve.make_room()
    disk.size = RESERVE_BYTES + LOW_BYTES - 1
    assert not reserve.has_room()
    disk.size = 100_000_000
    assert reserve.has_room()
    assert disk.path.stat().st_size == RESERVE_BYTES


def test_what_an_earlier_process_reserved_counts(disk):
    DiskReserve(disk.path, disk.free).hold()
    disk.size = RESERVE_BYTES + LOW_BYTES + 1_000_000
    assert DiskReserve(disk.path, disk.free).has_room()


def test_what_is_free_is_asked_of_the_system(tmp_path):
    assert free_bytes(tmp_path) > 0
