"""Who may know whom: every arrow of the house points down."""

import ast

import pytest

from tools import rooms
from tools.rooms import imports, modules, parsed

PATHS = modules()
ALL = {module: imports(path) for module, path in PATHS.items()}
ROOMS = {"cli", "core", "store", "delivery", "tmux", "clients", "daemon", "health", "schemas", "hooks", "demo"}
ROOMS |= {"identity"}
# room: the rooms that it may know besides itself
MAY = {
    "store": set(),
    "schemas": set(),
    "tmux": set(),
    "clients": {"tmux"},  # beside it, not above: a profile reads the cells of a screen
    "core": {"store"},
    "identity": {"core", "clients", "tmux", "store"},
    "hooks": {"identity", "core", "clients", "tmux", "store"},
    "delivery": {"identity", "core", "tmux", "clients", "store"},
    "daemon": {"delivery", "identity", "core", "clients", "tmux", "store"},
    "health": {
        "daemon",
        "delivery",
        "identity",
        "core",
        "tmux",
        "clients",
        "hooks",
        "store",
    },  # it looks at all cli is built on
}
BASE = {name for name in ALL if name.split(".")[1:2] in (["base"], ["settings"])}


def room_of(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[0] == "xats" and parts[1] in ROOMS else ""


def rooms_known(module: str) -> set[str]:
    return {room_of(name) for name in ALL[module]} - {""}


def test_the_walk_sees_the_program():
    assert {"xats.core.mail.messages", "xats.store.sqlite.engine", "xats.cli.mail.send", "xats.__main__"} <= set(ALL)
    assert "xats.core.waking.wakes" in ALL["xats.core.mail.sending"]
    assert "difflib.get_close_matches" in ALL["xats.core.mail.recipients"]
    assert "xats.store.Tx" not in ALL["xats.core.mail.sending"]


@pytest.mark.parametrize("module", [name for name in ALL if room_of(name) in MAY])
def test_no_arrow_points_up(module):
    room = room_of(module)
    assert rooms_known(module) - {room} <= MAY[room]


def test_no_module_imports_what_imports_it():
    """No late import hides a circle either."""
    assert rooms.circles() == []


def test_a_circle_is_seen(tmp_path, monkeypatch):
    (tmp_path / "xats" / "core").mkdir(parents=True)
    files = {
        "__init__": "",
        "core/__init__": "",
        "core/one": "def late():\n    from xats.core import two",
        "core/two": "from xats.core.three import name",
        "core/three": "import xats.core.one",
        "core/four": "from xats.core import one, five",
        "core/five": "TYPE_CHECKING = False\nif TYPE_CHECKING:\n    from xats.core import four",
    }
    for name, text in files.items():
        (tmp_path / "xats" / f"{name}.py").write_text(text)
    monkeypatch.setattr(rooms, "ROOT", tmp_path)
    assert rooms.circles() == [["xats.core.one", "xats.core.three", "xats.core.two"]]


def test_the_engine_knows_no_migration_and_core_knows_no_engine():
    """Another engine comes behind the port: what chooses one is store/open.py, and what migrates is behind that."""
    assert not [name for name in ALL["xats.store.sqlite.engine"] if "migrate" in name or name == "xats.store.open"]
    assert "xats.store.sqlite.migrate" in ALL["xats.store.open"]
    for module in (name for name in ALL if room_of(name) == "core"):
        assert not [name for name in ALL[module] if name.startswith("xats.store.sqlite")], module


def test_no_rooms_import_one_another():
    """Every arrow of the picture in ARCHITECTURE.md has one direction."""
    found = rooms.known()
    assert set(found) == {rooms.BASE, *ROOMS}
    for room, others in found.items():
        assert room not in {one for other in others for one in found[other]}


@pytest.mark.parametrize("module", [name for name in ALL if room_of(name) == "core"])
def test_core_has_no_clock_no_chance_no_process_and_no_output(module):
    unwanted = {"time", "datetime", "random", "os", "sys", "subprocess", "sqlite3", "xats.base.process", "logging"}
    assert {name.partition(".")[0] if not name.startswith("xats") else name for name in ALL[module]} & unwanted == set()


@pytest.mark.parametrize("module", sorted(BASE))
def test_what_everybody_knows_knows_nobody(module):
    assert rooms_known(module) == set()
    assert "xats.__main__" not in ALL[module]


# Completion must not make a store nor wait for one: what goes wrong is silence, so it knows the engine's errors.
COMPLETION = "xats.cli.kit.complete"


@pytest.mark.parametrize("module", [name for name in ALL if room_of(name) != "store" and name != COMPLETION])
def test_only_the_store_knows_the_engine(module):
    assert {"sqlite3", "sqlite_utils"} & ALL[module] == set()


@pytest.mark.parametrize("module", [name for name in ALL if room_of(name) not in ("tmux", "demo")])
def test_only_the_room_of_tmux_runs_it(module):
    assert not [name for name in ALL[module] if name.split(".")[0] == "libtmux"]
    tree = parsed(PATHS[module])
    first_words = [
        node.elts[0].value
        for node in ast.walk(tree)
        if isinstance(node, (ast.List, ast.Tuple)) and node.elts and isinstance(node.elts[0], ast.Constant)
    ]
    runs = "subprocess" in ALL[module] or "posix_spawn" in ast.unparse(tree)
    assert not (runs and "tmux" in first_words)


@pytest.mark.parametrize("module", [name for name in ALL if room_of(name) in ("cli", "daemon", "delivery", "health")])
def test_sql_stands_in_core_and_store_alone(module):
    for node in ast.walk(parsed(PATHS[module])):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            start = node.value.strip().lower()
            assert not start.startswith(("select ", "insert into", "update ", "delete from")), node.value


@pytest.mark.parametrize("module", [name for name in ALL if room_of(name) not in ("", "demo")])
def test_only_the_renderer_prints(module):
    if module in ("xats.cli.kit.render", "xats.cli.kit.tree", COMPLETION):
        return
    printing = [
        ast.unparse(node)
        for node in ast.walk(parsed(PATHS[module]))
        if (isinstance(node, ast.Call) and ast.unparse(node.func) == "print")
        or (isinstance(node, ast.Attribute) and ast.unparse(node) in ("sys.stdout.write", "sys.stderr.write"))
    ]
    assert printing == []
