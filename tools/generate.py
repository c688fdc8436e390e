"""Write what follows from the code: man pages, shell completions, docs/reference.md, and parts of ARCHITECTURE.md.

python tools/generate.py            write them
python tools/generate.py --check    only say which are stale, and exit 1 if any is
"""

from __future__ import annotations

import sys
from pathlib import Path

import architecture
import bash
import commands
import fish
import manpages
import reference
import zsh

ROOT = Path(__file__).resolve().parent.parent


def generated(root: Path) -> dict[str, str]:
    """Return {path below the root: text} of every generated file, and of ARCHITECTURE.md, which is so in part."""
    verbs = commands.verbs()
    return {
        **{f"man/{name}": text for name, text in manpages.pages(verbs).items()},
        "completions/xats.bash": bash.script(verbs),
        "completions/_xats": zsh.script(verbs),
        "completions/xats.fish": fish.script(verbs),
        "docs/reference.md": reference.page(verbs),
        "ARCHITECTURE.md": architecture.page(read(root / "ARCHITECTURE.md")),
    }


def differing(root: Path, wanted: dict[str, str]) -> list[str]:
    """Return what below `root` is missing or not as `wanted`, and the man pages that no verb has any more."""
    stale = [path for path, text in wanted.items() if not (root / path).is_file() or text != read(root / path)]
    left = [f"man/{page.name}" for page in (root / "man").glob("xats*.1")]
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
    wanted = generated(root)
    stale = differing(root, wanted)
    if words and stale:
        print("stale:", *stale, "mend it with: make generate", sep="\n  ", file=sys.stderr)
        return 1
    write(root, wanted, stale)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
