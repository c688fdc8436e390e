"""Start a crew by one `xats launch` after another, where there is no `xats up`."""

import shlex
import tomllib
from importlib.util import find_spec

from xats.cli.kit import tree

NEEDED = "up" not in tree.VERBS
RESTARTS = find_spec("xats.crews.keep") is not None
PROFILE = 'executables = ["demo-agent"]\nquit = "quit"\n'


def up(crew):
    """Start those agents of the crew file that do not live."""
    clients = crew.xats.home / "clients"
    clients.mkdir(mode=0o700, exist_ok=True)
    (clients / "demo.toml").write_text(PROFILE)
    crew.xats.environ["XATS_CLIENTS"] = str(clients)
    agents = tomllib.loads((crew.folder / "xats.toml").read_text())["agents"]
    script = crew.stage.bin / "demo-agent"
    words = [*crew.xats.words, *next(iter(agents.values()))["program"][1:]]
    script.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
    script.chmod(0o700)
    for table, one in agents.items():
        count = one.get("count", 1)
        for number in range(1, count + 1):
            name = table if count == 1 else f"{table}-{number}"
            if name not in crew.living():
                line = f"launch demo --name {name} --role {one['role']} --window --prompt {shlex.quote(one['prompt'])}"
                crew.stage.run(line + (" --worktree" if one.get("worktree") else ""))
