"""Who may know whom: every arrow of the house points down."""

import ast

from tools import rooms
from tools.rooms import imports, modules, parsed

PATHS = modules()
ROOMS = {"cli", "core", "store", "delivery", "tmux", "clients", "daemon", "health", "schemas", "hooks", "demo"}
ROOMS |= {"identity", "crews"}
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
    "crews": {"delivery", "identity", "core", "tmux", "clients", "store"},
    "daemon": {"crews", "delivery", "identity", "core", "clients", "tmux", "store"},
    "health": {
        "daemon",
        "crews",
        "delivery",
        "identity",
        "core",
        "tmux",
        "clients",
        "hooks",
        "store",
    },  # it looks at all cli is built on
}
BASE = {name for name in PATHS if name.split(".")[1:2] in (["base"], ["settings"])}


def room_of(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[0] == "xats" and parts[1] in ROOMS else ""


def imported(module: str) -> frozenset[str]:
    return imports(PATHS[module])


def rooms_known(module: str) -> set[str]:
    return {room_of(name) for name in imported(module)} - {""}


def modules_of(*rooms_: str) -> list[str]:
    return [module for module in PATHS if room_of(module) in rooms_]


def first_words(tree: ast.Module) -> set:
    """Return the first elements of all lists and tuples in `tree` that begin with a constant."""
    lists = [node.elts for node in ast.walk(tree) if isinstance(node, (ast.List, ast.Tuple))]
    return {elements[0].value for elements in lists if elements and isinstance(elements[0], ast.Constant)}


def starts_programs(module: str, tree: ast.Module) -> bool:
    return "subprocess" in imported(module) or "posix_spawn" in ast.unparse(tree)


def prints(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id == "print"
    written = isinstance(node, ast.Attribute) and node.attr == "write"
    return written and ast.unparse(node) in ("sys.stdout.write", "sys.stderr.write")


def test_the_walk_sees_the_program():
    assert {"xats.core.mail.messages", "xats.store.sqlite.engine", "xats.cli.mail.send", "xats.__main__"} <= set(PATHS)
    assert "xats.core.waking.wakes" in imported("xats.core.mail.sending")
    assert "difflib.get_close_matches" in imported("xats.core.mail.recipients")
    assert "xats.store.Tx" not in imported("xats.core.mail.sending")


def test_no_arrow_points_up():
    for module in modules_of(*MAY):
        room = room_of(module)
        assert rooms_known(module) - {room} <= MAY[room], module


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
    assert not [name for name in imported("xats.store.sqlite.engine") if "migrate" in name or name == "xats.store.open"]
    assert "xats.store.sqlite.migrate" in imported("xats.store.open")
    for module in modules_of("core"):
        assert not [name for name in imported(module) if name.startswith("xats.store.sqlite")], module


def test_no_rooms_import_one_another():
    """Every arrow of the picture in ARCHITECTURE.md has one direction."""
    found = rooms.known()
    assert set(found) == {rooms.BASE, *ROOMS}
    for room, others in found.items():
        assert room not in {one for other in others for one in found[other]}


def test_core_has_no_clock_no_chance_no_process_and_no_output():
    unwanted = {"time", "datetime", "random", "os", "sys", "subprocess", "sqlite3", "xats.base.process", "logging"}
    for module in modules_of("core"):
        names = {name if name.startswith("xats") else name.partition(".")[0] for name in imported(module)}
        assert names & unwanted == set(), module


def test_what_everybody_knows_knows_nobody():
    assert len(BASE) > 20
    for module in BASE:
        assert rooms_known(module) == set(), module
        assert "xats.__main__" not in imported(module), module


# Completion must not make a store nor wait for one: what goes wrong is silence, so it knows the engine's errors.
COMPLETION = "xats.cli.kit.complete"


def test_only_the_store_knows_the_engine():
    for module in PATHS:
        if room_of(module) != "store" and module != COMPLETION:
            assert {"sqlite3", "sqlite_utils"} & imported(module) == set(), module


def test_only_the_room_of_tmux_runs_it():
    for module, path in PATHS.items():
        if room_of(module) not in ("tmux", "demo"):
            assert not [name for name in imported(module) if name.split(".")[0] == "libtmux"], module
            tree = parsed(path)
            assert not ("tmux" in first_words(tree) and starts_programs(module, tree)), module


def test_sql_stands_in_core_and_store_alone():
    for module in modules_of("cli", "crews", "daemon", "delivery", "health"):
        for node in ast.walk(parsed(PATHS[module])):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                start = node.value.strip().lower()
                assert not start.startswith(("select ", "insert into", "update ", "delete from")), (module, node.value)


def test_only_the_renderer_prints():
    for module, path in PATHS.items():
        if room_of(module) in ("", "demo") or module in ("xats.cli.kit.render", "xats.cli.kit.tree", COMPLETION):
            continue
        assert [ast.unparse(node) for node in ast.walk(parsed(path)) if prints(node)] == [], module
