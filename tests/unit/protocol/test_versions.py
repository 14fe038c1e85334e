import pytest

from fairlead.protocol.versions import is_version_above, parse_version


@pytest.mark.parametrize(
    ("version", "gate", "above"),
    [
        ("3.3.0.0", "3.0.196.0", True),
        ("3.10.0.0", "3.9.0.0", True),
        ("3.0.196.0", "3.0.196.0", False),
        ("2.3.722.0", "3.0.196.0", False),
        ("3.3.0", "3.0.196.0", False),
        ("", "3.0.196.0", False),
        ("3.3.0.x", "3.0.196.0", False),
        ("3.3.0.-1", "3.0.196.0", False),
        ("3.3.0.٣", "3.0.196.0", False),
        ("9" * 65, "1", False),
        ("3.3.0.0", "nonsense", False),
    ],
)
def test_versions_compare_number_by_number(version, gate, above):
    assert is_version_above(version, gate) is above


def test_parts_are_numbers():
    assert parse_version("1.2.0764") == (1, 2, 764)
