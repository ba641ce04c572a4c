from bench import parsers
from bench.parsers import CYTHON, OURS, PYTHON, ours, pieces, table


def test_this_proxy_s_finds_every_byte():
    body, expected = pieces(500_000)
    assert len(body) > 1
    found = []
    ours(body, found.append)
    assert sum(map(len, found)) == expected


def test_the_table_has_the_ratios_to_this_proxy_s():
    taken = {OURS: 2.0, PYTHON: 3.0, CYTHON: 1.0}
    line = table({"25 MB": taken}).splitlines()[-1]
    assert [cell.strip() for cell in line.split("|")[1:-1]] == [
        "25 MB",
        "2.00 ms (1.00)",
        "3.00 ms (1.50)",
        "1.00 ms (0.50)",
    ]


def test_where_they_cannot_be_installed_it_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(parsers, "ROOT", tmp_path)
    assert "cannot be installed" in parsers.report(tmp_path)
