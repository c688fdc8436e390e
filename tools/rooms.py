"""The rooms of xats, and what each imports: read from the source, for the picture of them and for the tests."""

from __future__ import annotations

import ast
import os
from functools import cache
from pathlib import Path

import xats

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

ROOT = Path(xats.__file__).resolve().parent.parent
BASE = "base"  # with the settings: every room may import it
FRONT_DOOR = "xats.__main__"


def modules() -> dict[str, str]:
    """Return {module: path} of every module of xats."""
    paths = sorted((ROOT / "xats").rglob("*.py"))
    return {module_of(str(path)): str(path) for path in paths}


def module_of(path: str) -> str:
    """Return the name of the module at `path`."""
    name = os.path.relpath(path, ROOT).removesuffix(".py").replace(os.sep, ".")
    return name.removesuffix(".__init__")


def parsed(path: str) -> ast.Module:
    """Return the syntax tree of the file at `path`."""
    return ast.parse(Path(path).read_text(encoding="utf-8"))


@cache
def imports(path: str) -> frozenset[str]:
    """Return what `path` imports when it runs, late imports too; what only a type checker reads is left out."""
    found: set[str] = set()
    for node in statements(parsed(path).body):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            assert node.module
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return frozenset(found)


def statements(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Yield the statements of `body` and those inside them, but for what is inside `if TYPE_CHECKING`."""
    for node in body:
        yield node
        hidden = isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for name in ("orelse",) if hidden else ("body", "orelse", "handlers", "finalbody", "cases"):
            yield from statements(getattr(node, name, ()))


def room_of(module: str) -> str:
    """Return the room of a module of xats: its first folder; the settings count to the base."""
    parts = module.split(".")
    if len(parts) < 2 or not (ROOT / "xats" / parts[1]).is_dir() or parts[1] == "settings":
        return BASE
    return parts[1]


def known() -> dict[str, set[str]]:
    """Return {room: the rooms that it imports}. The front door, which starts everything, is in no room."""
    found: dict[str, set[str]] = {}
    for module, path in modules().items():
        if module in ("xats", FRONT_DOOR):
            continue
        own = room_of(module)
        others = {room_of(name) for name in imports(path) if name.startswith("xats.")}
        found.setdefault(own, set()).update(others - {own})
    return found


def circles() -> list[list[str]]:
    """Return the groups of modules of which each imports, perhaps through others, all others of its group."""
    paths = modules()
    below = {module: _imported(imports(path), paths.keys()) - {module} for module, path in paths.items()}
    reached = {module: _reached(module, below) for module in paths}
    found = {
        frozenset({module, *(other for other in ahead if module in reached[other])})
        for module, ahead in reached.items()
        if module in ahead
    }
    return sorted(sorted(group) for group in found)


def _imported(names: Collection[str], known: Collection[str]) -> set[str]:
    """Return the modules that the imports of `names` need. `from package import module` needs the module alone."""
    found = {name for name in names if name in known}
    for package in list(found):
        taken = [name for name in names if name.rpartition(".")[0] == package]
        if taken and all(name in known for name in taken):
            found.remove(package)
    return found


def _reached(module: str, below: dict[str, set[str]]) -> set[str]:
    """Return the modules that `module` imports, and those that they import, and on."""
    found: set[str] = set()
    line = [module]
    while line:
        new = below[line.pop()] - found
        found |= new
        line += new
    return found
