"""The table in docs/settings.md is the table of keys."""

from pathlib import Path

from xats.settings import keys

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "settings.md").read_text()


def row(key):
    """Return the row of `key`."""
    default = key.kind.show(key.default) if key.default else ""
    cells = (f"`{key.name}`", f"`{key.variable}`", default, key.project or "no", key.about)
    return f"| {' | '.join(cells)} |".replace("|  |", "| |")


def test_each_key_has_its_row():
    rows = [line for line in PAGE.splitlines() if line.startswith("| `") and "`XATS_" in line.split("|")[2]]
    assert rows == [row(key) for key in keys.KEYS]
