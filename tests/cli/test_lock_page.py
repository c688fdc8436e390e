"""The example of docs/locks.md is what the programs print."""

import re
from pathlib import Path

import pytest

from tests.support.steady import ages

PAGE = Path(__file__).resolve().parents[2] / "docs" / "locks.md"
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.S | re.M)
LINE = re.compile(r"^(ann|ben)\$ (.*)$")
FILES = {"src/parser.py": "one\n", "src/lexer.py": "one\n"}


def said() -> list[tuple[str, str, list[str]]]:
    """Return the commands of the page: who runs each, the command, and the lines that it prints."""
    found: list[tuple[str, str, list[str]]] = []
    for line in "".join(BLOCK.findall(PAGE.read_text())).splitlines():
        typed = LINE.match(line)
        if typed:
            found.append((typed[1], typed[2], []))
        else:
            found[-1][2].append(line)
    return found


@pytest.fixture
def shop(xats, tmp_path):
    """A repository with two files, and two agents whose hooks have spoken."""
    (tmp_path / "bin").mkdir()
    xats.install(tmp_path / "bin")
    config = str(xats.home / "gitconfig")
    names = {f"GIT_{who}_{what}": "ben@x" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    xats.environ |= {"GIT_CONFIG_GLOBAL": config, "GIT_CONFIG_NOSYSTEM": "1", **names}
    xats.environ["PATH"] = f"{tmp_path / 'bin'}:{xats.environ['PATH']}"
    for name, text in FILES.items():
        (xats.folder / name).parent.mkdir(exist_ok=True)
        (xats.folder / name).write_text(text)
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "One")):
        assert xats.run(["git", *words]).returncode == 0
    for name in ("ann", "ben"):
        xats("register", name, "--no-pane", "--client", "claude-code")
    store = xats.store()
    store.write(
        lambda tx: tx.run(
            "insert into presence (agent_id, client_session, state, at) select id, '', 'idle', 1 from agents"
        )
    )
    store.close()
    return xats


def test_the_example_of_the_page(shop):
    commands = said()
    assert len(commands) > 8
    for who, command, lines in commands:
        ran = shop.run(["sh", "-c", f"{command} 2>&1"], env={"XATS_AGENT": who})
        shown = ages(ran.stdout.decode()).replace(f"{shop.folder}/", "")
        shown = re.sub(r"\b[5-9] min\b", "10 min", shown)  # on a slow machine
        assert shown.splitlines() == lines, (command, shown)
