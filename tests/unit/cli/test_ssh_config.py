"""`fairlead ssh-config`."""

from fairlead.cli.app import main
from fairlead.client.ssh_config import host_block


def test_it_prints_the_block(capsys):
    assert main(["ssh-config"]) == 0
    assert capsys.readouterr() == (host_block(), "")
    assert main(["ssh-config", "--aws"]) == 0
    assert capsys.readouterr() == (host_block(aws=True), "")


def test_it_installs_the_block_and_names_what_stands_in_the_way(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh").mkdir()
    config = tmp_path / ".ssh" / "config"
    config.write_text("Host i-*\n  User x\n")
    assert main(["ssh-config", "--install"]) == 0
    out, err = capsys.readouterr()
    assert out == f"{config}: block installed\n"
    assert "also has 'Host i-*'" in err
    assert config.read_text().startswith("Host i-*\n  User x\n")
    assert main(["ssh-config", "--install"]) == 0
    assert capsys.readouterr().out == f"{config}: block is already there\n"
