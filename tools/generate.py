"""Write what follows from the code.

That is xats/base/programs.py, xats/cli/kit/schemas.json, the man pages, the shell completions, docs/reference.md, and
parts of ARCHITECTURE.md, docs/events.md and docs/waking.md.

python tools/generate.py            write them
python tools/generate.py --check    only say which are stale, and exit 1 if any is
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import programs

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).resolve().parent.parent


def generated(root: Path) -> dict[str, str]:
    """Return {path below the root: text} of every file that is generated, whole or in part."""
    import architecture
    import bash
    import commands  # it reads xats/base/programs.py
    import documents
    import eventpage
    import fish
    import manpages
    import reasonpage
    import reference
    import zsh

    verbs = commands.verbs()
    return {
        **{f"man/{name}": text for name, text in manpages.pages(verbs).items()},
        "completions/xats.bash": bash.script(verbs),
        "completions/_xats": zsh.script(verbs),
        "completions/xats.fish": fish.script(verbs),
        "docs/reference.md": reference.page(verbs),
        "docs/events.md": eventpage.page(read(root / "docs" / "events.md")),
        "docs/waking.md": reasonpage.page(read(root / "docs" / "waking.md")),
        "xats/cli/kit/schemas.json": documents.schemas(),
        "ARCHITECTURE.md": architecture.page(read(root / "ARCHITECTURE.md")),
    }


def differing(root: Path, wanted: dict[str, str], pages: Iterable[Path]) -> list[str]:
    """Return what below `root` is missing or not as `wanted`, and those of the manual `pages` that no verb has."""
    stale = [path for path, text in wanted.items() if not (root / path).is_file() or text != read(root / path)]
    left = [f"man/{page.name}" for page in pages]
    return sorted({*stale, *left} - ({*wanted} - {*stale}))


def read(path: Path) -> str:
    return path.read_bytes().decode()


def write(root: Path, wanted: dict[str, str], stale: list[str]) -> None:
    """Write the files of `wanted` that are `stale`; remove those that nobody wants."""
    for path in stale:
        if path in wanted:
            (root / path).parent.mkdir(exist_ok=True)
            (root / path).write_bytes(wanted[path].encode())
        else:
            (root / path).unlink()


def main(words: list[str], root: Path = ROOT) -> int:
    if words not in ([], ["--check"]):
        print(__doc__, file=sys.stderr)
        return 2
    words_of_programs = {programs.PATH: programs.text()}
    stale = differing(root, words_of_programs, ())
    if stale and not words:
        write(root, words_of_programs, stale)
        if root == ROOT:  # the rest follows from what was written
            os.execv(sys.executable, [sys.executable, __file__])
    wanted = {} if stale and words else generated(root)
    stale += differing(root, wanted, (root / "man").glob("xats*.1") if wanted else ())
    if words and stale:
        print("stale:", *stale, "fix it with: make generate", sep="\n  ", file=sys.stderr)
        return 1
    write(root, wanted, [path for path in stale if path != programs.PATH])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
