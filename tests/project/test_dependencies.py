"""Every runtime dependency has a lowest version, which `make lowest` installs, and ends before a next major one."""

import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

from tools import lowest

PROJECT = tomllib.loads((Path(__file__).resolve().parents[2] / "pyproject.toml").read_text())["project"]
LOWEST = dict(line.split("==") for line in lowest.constraints(PROJECT))


def numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", text)))


@pytest.mark.parametrize("requirement", PROJECT["dependencies"])
def test_a_dependency_has_both_bounds(requirement):
    name, low, high = re.fullmatch(r"([a-z-]+)>=([\d.]+),<([\d.]+)", requirement).groups()
    assert LOWEST[name] == low
    assert numbers(low) <= numbers(version(name))[:3] < numbers(high)
