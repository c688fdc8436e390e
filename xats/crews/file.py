"""Read a crew file: the `[agents.NAME]` tables of a project's xats.toml.

Nothing here runs anything. What a file says counts only after a person has agreed to it (trust.py). Each mistake is a
fault with its line, as in any settings file, but here the first one stops the command.
"""

from __future__ import annotations

import os
import tomllib
from difflib import get_close_matches
from stat import S_ISREG

from xats import settings
from xats.base import folders
from xats.base.errors import InvalidName, NotFound, Usage
from xats.base.visible import one_line
from xats.clients import registry
from xats.core.address import check_name
from xats.crews.entry import OURS, CrewFile, Entry, digest
from xats.delivery import poke
from xats.identity import project
from xats.settings import parse, toml
from xats.settings.parse import Fault
from xats.tmux import places

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

AGENTS = parse.AGENTS
LARGEST = 100  # agents of one file
MOST = 20  # agents of one table
LATEST = 1_000_000  # the largest and, below zero, the smallest order
SHOWN = 40  # characters of a wrong value that are repeated
POLICIES = ("never", "on-crash", "always")
SESSION = "session:"
OPEN = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY | os.O_NOFOLLOW
EXAMPLE = 'add a table: [agents.bob], and in it: program = "claude"'


class CrewFileInvalid(Usage):
    """A crew file has a mistake."""

    code = "crew_file_invalid"


class NoCrew(NotFound):
    """There is no crew file, or it names no agents."""

    code = "no_crew"


class _Wrong(ValueError):
    """A value does not fit its key. `names` is the path to it below the key."""

    def __init__(self, text: str, *names: str) -> None:
        super().__init__(text)
        self.names = names


def find(folder: str) -> str | None:
    """Return the path of the xats.toml of the project that `folder` is in, None if there is none.

    It is the file from which the settings of the project come: at the top of the worktree.
    """
    found = project.find(folder)
    path = settings.project_path(found.here) if found else ""
    return path if path and os.path.lexists(path) else None


def real(path: str) -> str:
    """Return `path` without links in its folder. The file itself must not be one: see `load`."""
    path = folders.expanded(path, os.environ)
    return os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))


def load(path: str) -> CrewFile:
    """Return what the crew file at `path` says, with the content of each @FILE.

    The file is read once. Raises NoCrew, and CrewFileInvalid with the file, the line and the fix.
    """
    path = real(path)
    text = _text(path)
    try:
        data = tomllib.loads(text)
        lines = toml.Lines(toml.statements(text))
    except (ValueError, RecursionError) as problem:
        raise _invalid([parse.syntax_fault(path, text, problem)]) from None
    tables = data.get(AGENTS)
    if isinstance(tables, dict) and not tables:
        tables = None
    if tables is None:
        msg = f"{path} names no agents: it has no table [agents.NAME]."
        near = isinstance(data.get("agent"), dict)
        raise NoCrew(msg, "write [agents.NAME] in place of [agent.NAME]" if near else EXAMPLE)
    reader = _Reader(path, lines)
    found = reader.read(tables)
    if reader.faults:
        raise _invalid(reader.faults)
    found.sort(key=lambda one: one.order)
    return CrewFile(path, tuple(found), digest(path, found))


def _text(path: str) -> str:
    """Return the text of the file at `path`. Raises NoCrew, CrewFileInvalid."""
    try:
        data, _ = parse.contents(path, users=False)
        return data.decode()
    except (FileNotFoundError, NotADirectoryError):
        msg = f"There is no crew file {path}."
        raise NoCrew(msg, "name another file: xats trust FILE") from None
    except parse.Refused as refusal:
        fault = Fault(path, None, None, f"xats does not read it: {refusal}.", refusal.fix)
    except UnicodeDecodeError as problem:
        fault = Fault(path, data[: problem.start].count(b"\n") + 1, None, "it is not UTF-8.", parse.EDITOR)
    except (OSError, ValueError) as problem:
        why = getattr(problem, "strerror", None) or str(problem)
        fault = Fault(path, None, None, f"it cannot be read: {why}.", parse.AWAY)
    raise _invalid([fault])


def _invalid(faults: list[Fault]) -> CrewFileInvalid:
    """Return the error for `faults`: its text is the first of them, and its data has all."""
    faults = sorted(faults, key=lambda one: one.line or 0)
    first, rest = faults[0], len(faults) - 1
    more = f" (and {rest} more mistake{'s' if rest > 1 else ''})" if rest else ""
    problems = [
        {"file": one.file, "line": one.line, "key": one.key, "message": one.text, "hint": one.fix} for one in faults
    ]
    return CrewFileInvalid(f"{first.place}: {first.text}{more}", first.fix, problems=problems)


# -- tables ------------------------------------------------------------------------------------------------------------


class _Reader:
    """Reads the tables of one file, and collects its faults."""

    def __init__(self, path: str, lines: toml.Lines) -> None:
        self.path, self.folder, self._lines = path, os.path.dirname(path), lines
        self.faults: list[Fault] = []

    def fault(self, names: tuple[str, ...], text: str, fix: str = parse.EDITOR) -> None:
        """Note that the value at `names` is wrong; `text` says what."""
        names = (AGENTS, *names)
        shown = one_line(".".join(names))[: parse.SHOWN]
        self.faults.append(Fault(self.path, self._lines.of(names), shown, f"{shown} {text}.", fix))

    def read(self, tables: Any) -> list[Entry]:
        """Return the agents of all `tables`."""
        if not isinstance(tables, dict):
            self.fault((), "must be a table", EXAMPLE)
            return []
        found: list[Entry] = []
        for table, data in tables.items():
            made = self._table(table, data)
            self._check(found, made)
            found += made
            if len(found) > LARGEST:
                self.fault((table,), f"is one too many: a crew has at most {LARGEST} agents")
                break
        return found

    def _table(self, table: str, data: Any) -> list[Entry]:
        before = len(self.faults)
        if not isinstance(data, dict):
            self.fault((table,), "must be a table", EXAMPLE)
            return []
        try:
            check_name(table)
        except InvalidName as problem:
            self.fault((table,), f"has a wrong name: {str(problem).rstrip('.')}")
        values: dict[str, Any] = {}
        for key, value in data.items():
            if key not in KEYS:
                near = get_close_matches(key.replace("_", "-").lower(), KEYS, 1)
                fix = f"{near[0]}, if you meant that" if near else f"one of: {', '.join(KEYS)}"
                self.fault((table, key), "is no key of an agent", fix)
                continue
            try:
                values.update(KEYS[key](self, value))
            except _Wrong as problem:
                self.fault((table, key, *problem.names), str(problem))
        if "program" not in data:
            self.fault((table,), "has no program", 'program = "claude", or a command: program = ["./agent", "--fast"]')
        if len(self.faults) > before:
            return []
        return self._agents(table, values)

    def _agents(self, table: str, values: dict[str, Any]) -> list[Entry]:
        count, cwd = values.pop("count", 1), values.get("cwd")
        if cwd and values.get("worktree") and not _is_inside(cwd, self.folder):
            self.fault((table, "cwd"), "must be in the folder of the file, because the agent has a worktree")
        if count > 1 and values.get("branch"):
            why = f"names a branch for {count} agents, and git checks out a branch in one worktree only"
            self.fault((table, "worktree"), why, "worktree = true, for the branches xats/NAME")
        names = [table] if count == 1 else [f"{table}-{number}" for number in range(1, count + 1)]
        try:
            check_name(names[-1])
        except InvalidName:
            self.fault((table,), "has a name that is too long for its count")
            return []
        values.setdefault("restart", "on-crash")
        return [Entry(name=name, table=table, **values) for name in names]

    def _check(self, found: list[Entry], made: list[Entry]) -> None:
        """Note names and branches of `made` that are in `found` already."""
        names = {one.name.lower(): one for one in found}
        branches = {_branch(one): one for one in found if one.worktree}
        for one in made:
            if other := names.get(one.name.lower()):
                whose = f"the table {other.table}" if other.table != one.table else "this table"
                self.fault((one.table,), f"makes a second agent {one.name}: {whose} makes {other.name}")
            elif one.worktree and (other := branches.get(_branch(one))):
                why = f"is the branch of {other.name} too, and git checks out a branch in one worktree only"
                self.fault((one.table, "worktree"), why)


def _branch(entry: Entry) -> str:
    return entry.branch or f"xats/{entry.name}"


# -- keys --------------------------------------------------------------------------------------------------------------


def _not(what: str, value: object) -> _Wrong:
    if isinstance(value, (dict, list)):
        return _Wrong(f"must be {what}, not {'a table' if isinstance(value, dict) else 'that list'}")
    return _Wrong(f"must be {what}, not {repr(value)[:SHOWN]}")


def _word(value: Any, what: str, *names: str) -> str:
    """Return `value` if it is a text that a program can get: the system ends each word at a null character."""
    if not isinstance(value, str):
        raise _Wrong(str(_not(what, value)), *names)
    if "\0" in value:
        raise _Wrong("contains a null character", *names)
    return value


def _words(value: Any, what: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise _not(what, value)
    return tuple(_word(one, what) for one in value)


def _program(reader: _Reader, value: Any) -> dict[str, Any]:
    what = "the name of a program, or a list: a command"
    if isinstance(value, list):
        command = _words(value, what)
        if not command or not command[0]:
            msg = "must name a program"
            raise _Wrong(msg)
        return {"program": None, "command": command}
    word = _word(value, what)
    try:
        if registry.called(word, os.environ).executables:
            return {"program": word}
        known = f"xats launch cannot start {word[:SHOWN]!r}"
    except NotFound as problem:
        known = f"xats launch does not know {word[:SHOWN]!r} ({problem.hint})"
    except Usage as problem:
        known = str(problem).rstrip(".")
    del reader
    raise _Wrong(f"must be a program that xats knows, or a list: {known}")


def _args(reader: _Reader, value: Any) -> dict[str, Any]:
    del reader
    return {"args": _words(value, 'a list of texts, such as ["--model", "opus"]')}


def _role(reader: _Reader, value: Any) -> dict[str, Any]:
    del reader
    return {"role": _name(value, "role")}


def _tags(reader: _Reader, value: Any) -> dict[str, Any]:
    del reader
    return {"tags": tuple(dict.fromkeys(_name(one, "tag") for one in _words(value, "a list of tags")))}


def _name(value: Any, what: str) -> str:
    try:
        return check_name(_word(value, f"a {what}"), what)
    except InvalidName as problem:
        raise _Wrong(f"is wrong: {str(problem).rstrip('.')}") from None


def _count(reader: _Reader, value: Any) -> dict[str, Any]:
    del reader
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST:
        raise _not(f"a whole number from 1 to {MOST}", value)
    return {"count": value}


def _place(reader: _Reader, value: Any) -> dict[str, Any]:
    del reader
    what = 'window, split, or "session:NAME"'
    word = _word(value, what)
    if word in ("window", "split"):
        return {"place": word}
    if not word.startswith(SESSION):
        raise _not(what, value)
    try:
        return {"place": "session", "session": places.check_session(word.removeprefix(SESSION))}
    except Usage as problem:
        raise _Wrong(f"is wrong: {str(problem).rstrip('.')}; a name has no dot and no colon") from None


def _worktree(reader: _Reader, value: Any) -> dict[str, Any]:
    del reader
    what = "true, false, or the name of a branch"
    if isinstance(value, bool):
        return {"worktree": value}
    branch = _word(value, what)
    if not branch or not branch.isprintable() or branch[0] == "-" or len(branch) > 200:
        raise _not(what, value)
    return {"worktree": True, "branch": branch}


def _prompt(reader: _Reader, value: Any) -> dict[str, Any]:
    text = _word(value, "a text, or @FILE")
    named = text.startswith("@")
    if named:
        text = _prompt_file(reader.folder, text[1:])
    clean, _ = poke.sanitise(text)
    if not clean.strip():
        msg = "is empty"
        raise _Wrong(msg)
    if len(clean.encode()) > poke.LARGEST:
        msg = f"has more than {poke.LARGEST} bytes; put it into a file, and let the prompt name that file"
        raise _Wrong(msg)
    return {"prompt": clean, **({"prompt_file": value[1:]} if named else {})}


def _prompt_file(folder: str, name: str) -> str:
    """Return the text of the file `name` in `folder`. Raises _Wrong.

    It must be in that folder. Otherwise a repository could send a file of the user, such as a key, to a model.
    """
    path = os.path.realpath(os.path.join(folder, name))
    shown = one_line(name)[: parse.SHOWN]
    if not name or not _is_inside(path, folder):
        msg = f"names {shown!r}, which is not in the folder of the crew file"
        raise _Wrong(msg)
    try:
        number = os.open(path, OPEN)
        with open(number, "rb") as file:
            if not S_ISREG(os.fstat(number).st_mode):
                msg = f"names {shown}, which is no regular file"
                raise _Wrong(msg)
            data = file.read(poke.LARGEST + 1)
        if len(data) > poke.LARGEST:
            msg = f"names {shown}, which has more than {poke.LARGEST} bytes; a short prompt can name that file"
            raise _Wrong(msg)
        return data.decode()
    except UnicodeDecodeError:
        msg = f"names {shown}, which is not UTF-8"
        raise _Wrong(msg) from None
    except (OSError, ValueError) as problem:
        if isinstance(problem, _Wrong):
            raise
        why = getattr(problem, "strerror", None) or str(problem)
        msg = f"names {shown}, which cannot be read: {why}"
        raise _Wrong(msg) from None


def _is_inside(path: str, folder: str) -> bool:
    return os.path.commonpath((path, folder)) == folder


def _env(reader: _Reader, value: Any) -> dict[str, Any]:
    del reader
    if not isinstance(value, dict):
        raise _not('a table of texts, such as { COLOUR = "blue" }', value)
    for name, text in value.items():
        if not (name.isascii() and name.isidentifier()):
            msg = "cannot be the name of a variable"
            raise _Wrong(msg, name)
        if name.startswith(OURS):
            msg = "is set by xats or tmux, so a file cannot set it"
            raise _Wrong(msg, name)
        if not isinstance(text, str) or "\0" in text:  # the value may be a secret
            msg = "must be a text without null characters"
            raise _Wrong(msg, name)
    return {"env": tuple(sorted(value.items()))}


def _restart(reader: _Reader, value: Any) -> dict[str, Any]:
    del reader
    if value not in POLICIES:
        raise _not("never, on-crash or always", value)
    return {"restart": value}


def _order(reader: _Reader, value: Any) -> dict[str, Any]:
    del reader
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > LATEST:
        raise _not("a whole number", value)
    return {"order": value}


def _cwd(reader: _Reader, value: Any) -> dict[str, Any]:
    folder = _word(value, "a folder")
    if not folder:
        raise _not("a folder", value)
    if folder.startswith("~"):
        folder = folders.expanded(folder, os.environ)
    return {"cwd": os.path.normpath(os.path.join(reader.folder, folder))}


def _writable(reader: _Reader, value: Any) -> dict[str, Any]:
    del reader
    if not isinstance(value, bool):
        raise _not("true or false", value)
    return {"writable": value}


KEYS: dict[str, Callable[[_Reader, Any], dict[str, Any]]] = {
    "program": _program,
    "args": _args,
    "role": _role,
    "tags": _tags,
    "count": _count,
    "place": _place,
    "worktree": _worktree,
    "cwd": _cwd,
    "prompt": _prompt,
    "env": _env,
    "restart": _restart,
    "order": _order,
    "writable-store": _writable,
}
