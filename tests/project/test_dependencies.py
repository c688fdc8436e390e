"""Every runtime dependency has a lowest version, which `make lowest` installs, and ends before a next major one."""

import re
import shutil
import subprocess
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

from tools import lowest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOWEST = dict(line.split("==") for line in lowest.constraints(PROJECT))


def numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", text)))


@pytest.mark.parametrize("requirement", PROJECT["dependencies"])
def test_a_dependency_has_both_bounds(requirement):
    name, low, high = re.fullmatch(r"([a-z-]+)>=([\d.]+),<([\d.]+)", requirement).groups()
    assert LOWEST[name] == low
    assert numbers(low) <= numbers(version(name))[:3] < numbers(high)


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
@pytest.mark.parametrize(("target", "tools"), [("demo", False), ("test", True), ("lint", True)])
def test_the_demo_installs_no_tools_of_developers(tmp_path, target, tools):
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    done = subprocess.run(["make", "-n", target], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True)
    installs = re.findall(r"pip install .*? -e '?([^\s']+)", done.stdout)
    assert installs == ([".", ".[dev]"] if tools else ["."])
