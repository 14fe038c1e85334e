"""Large copies by the stock scp, by both of its protocols."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.usage import peak_rss_mb, reset_peak, rss_mb
from tests.interop.conftest import Site

pytestmark = [pytest.mark.interop, pytest.mark.slow, pytest.mark.timeout(400)]

GIB = 1 << 30
MAX_GROWTH_MB = 32
"""Of agent and server while a GiB passes: four windows of 4 MiB, and what the allocator keeps."""


@pytest.fixture(scope="module")
def random_gib(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("data") / "random"
    with path.open("wb") as file:
        for _ in range(GIB >> 24):
            file.write(os.urandom(1 << 24))
    yield path
    path.unlink()


@pytest.mark.parametrize("protocol", [(), ("-O",)], ids=["sftp", "scp"])
def test_a_gibibyte_goes_up_and_down_unchanged_and_nobody_grows(
    site: Site, random_gib: Path, tmp_path: Path, protocol: tuple[str, ...]
) -> None:
    there, back = tmp_path / "there", tmp_path / "back"
    command = ("scp", "-q", *protocol, "-F", site.configs["proxy"])
    pids = (site.agent.child.pid, site.stack.server.pid)
    before = [rss_mb(pid) for pid in pids]
    for pid in pids:
        reset_peak(pid)
    assert site.call(*command, random_gib, f"{site.node_id}:{there}", timeout_s=180).status == 0
    assert site.call(*command, f"{site.node_id}:{there}", back, timeout_s=180).status == 0
    assert _sha256(random_gib) == _sha256(there) == _sha256(back)
    for pid, resident in zip(pids, before, strict=True):
        assert peak_rss_mb(pid) - resident < MAX_GROWTH_MB
    there.unlink()
    back.unlink()


def test_the_clients_resident_size_stays_small_over_a_long_copy(
    site: Site, random_gib: Path, tmp_path: Path
) -> None:
    # GNU time is not everywhere; the shell's child tells its own peak after the copy.
    probe = tmp_path / "measured_proxy"
    peak = tmp_path / "peak"
    probe.write_text(
        "import resource, sys\n"
        "from fairlead.client.proxy import main\n"
        "status = main(sys.argv[1:])\n"
        f"open({str(peak)!r}, 'w').write(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))\n"
        "sys.exit(status)\n"
    )
    config = tmp_path / "config"
    text = site.configs["proxy"].read_text().replace("fairlead proxy", f"python {probe}")
    config.write_text(text, encoding="utf-8")
    target = f"{site.node_id}:{tmp_path / 'copy'}"
    assert site.call("scp", "-q", "-F", config, random_gib, target, timeout_s=180).status == 0
    assert int(peak.read_text()) * 1024 < 100 * 2**20


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
