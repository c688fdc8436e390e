"""What a project's folder and its PYTHONPATH cannot do: choose the modules that xats runs, however it was installed."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

import xats
from tests.support.world import until
from xats import __main__
from xats.base import process, python

ROOT = Path(xats.__file__).parent.parent
HERE = sysconfig.get_path("purelib")  # where what xats needs is installed
BASE = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
SPOILT = ("logging", "json", "queue", "select", "threading", "signal", "sqlite3", "random", "subprocess")


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    return next(folder.glob("*.whl"))


@pytest.fixture
def project(tmp_path):
    """A folder whose modules have the names of the standard library's, and note who imports them."""
    folder = tmp_path / "project"
    folder.mkdir()
    for name in SPOILT:
        note = f"import os; open({str(tmp_path / 'ran')!r}, 'a').write(f'{{os.getpid()}} {name}\\n')\n"
        (folder / f"{name}.py").write_text(f"{note}raise RuntimeError('project {name}')\n")
    return folder


def script(path: Path, interpreter: str) -> str:
    """Write the program that pip makes of an entry point."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!{interpreter}\nimport sys\nfrom xats.__main__ import main\nsys.exit(main())\n")
    path.chmod(0o755)
    return str(path)


def unpack(wheel: Path, site: Path) -> None:
    """Install the wheel into the folder `site`, in which what it needs is found too."""
    site.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(site)
    (site / "needed.pth").write_text(f"{HERE}\n")


def by_pipx(wheel: Path, home: Path) -> str:
    """An environment of its own, and a link to its program."""
    folder = home / ".local" / "share" / "pipx" / "venvs" / "xats"
    subprocess.run([BASE, "-m", "venv", "--without-pip", str(folder)], check=True, timeout=60)
    unpack(wheel, next((folder / "lib").glob("python*")) / "site-packages")
    link = home / ".local" / "bin" / "xats"
    link.parent.mkdir(parents=True)
    link.symlink_to(script(folder / "bin" / "xats", str(folder / "bin" / "python")))
    return str(link)


def by_user(wheel: Path, home: Path) -> str:
    """The user's own site-packages, as of `pip install --user`."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    unpack(wheel, home / ".local" / "lib" / version / "site-packages")
    return script(home / ".local" / "bin" / "xats", BASE)


def editable(wheel: Path, home: Path) -> str:
    """A checkout that a .pth file names."""
    del wheel, home
    program = os.path.join(os.path.dirname(sys.executable), "xats")
    if not os.path.exists(program):
        pytest.skip("xats is not installed here")
    return program


def checkout(wheel: Path, home: Path) -> str:
    """A checkout that only PYTHONPATH names."""
    del wheel
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site = home / ".local" / "lib" / version / "site-packages"
    site.mkdir(parents=True)
    (site / "needed.pth").write_text(f"{HERE}\n")
    (home / "src").mkdir()
    shutil.copytree(ROOT / "xats", home / "src" / "xats", ignore=shutil.ignore_patterns("__pycache__"))
    return script(home / "xats", BASE)


@pytest.mark.parametrize("install", [by_pipx, by_user, editable, checkout])
def test_every_install_starts_a_daemon_that_a_project_cannot_reach(tmp_path, wheel, project, install):
    home = tmp_path / "home"
    home.mkdir()
    program = install(wheel, home)
    paths = [str(project), *([str(home / "src")] if install is checkout else [])]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environ = {**kept, "HOME": str(home), "XATS_HOME": str(home / "store"), "PYTHONPATH": os.pathsep.join(paths)}

    def run(*words: str) -> str:
        done = subprocess.run(
            [program, *words], cwd=project, env=environ, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done
        return done.stdout

    run("register", "bob", "--no-pane", "--wake", "none", "--client", "human")
    pid = until(lambda: json.loads(run("daemon", "status", "--json"))["pid"])
    try:
        assert list(python.FLAGS) == process.argv(pid)[1:3]
        assert not [name for name in process.environ(pid) if name.startswith("PYTHON")]
        said = until(lambda: json.loads(run("daemon", "status", "--json"))["environment"])
        assert os.path.realpath(said["package"]).startswith(os.path.realpath(ROOT if install is editable else home))
        assert said["encoding"] == "utf-8"
    finally:
        run("daemon", "stop")
    ran = (tmp_path / "ran").read_text() if (tmp_path / "ran").exists() else ""
    assert str(pid) not in ran.split()
    assert not ran or install in (by_user, checkout), ran  # what a .pth file of this Python imports, before xats begins


def test_python_dash_m_looks_for_nothing_in_the_current_folder(tmp_path, project):
    environ = {**os.environ, "XATS_HOME": str(tmp_path / "store"), "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "xats", "demo-agent", "--help"],
        cwd=project,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert not (tmp_path / "ran").exists()


def test_the_standard_library_comes_before_what_the_environment_adds(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    library = os.path.dirname(os.__file__)
    standard = ["/opt/lib/" + __main__.ARCHIVE, library, f"{library}/lib-dynload"]
    packages = ["/opt/lib/site-packages"]
    given = ["/opt/bin", str(tmp_path), "", str(ROOT), "/opt/needed"]
    assert __main__.safe_path([*given, *standard, *packages]) == [
        *standard,
        "/opt/bin",
        str(ROOT),
        "/opt/needed",
        *packages,
    ]
    assert __main__.safe_path([*standard, *packages]) == [*standard, *packages]
    assert __main__.safe_path(["/nothing", "/known"]) == ["/nothing", "/known"]
    monkeypatch.chdir(ROOT)  # xats itself may be in the current folder
    assert str(ROOT) in __main__.safe_path([str(ROOT), *standard])


def test_a_module_beside_the_package_hides_none_of_the_library(tmp_path, project):
    """As where a project has xats in a folder of its own."""
    shutil.copytree(ROOT / "xats", project / "xats", ignore=shutil.ignore_patterns("__pycache__"))
    words = [sys.executable, *python.FLAGS, str(project / "xats" / "runner.py"), "--version"]
    done = subprocess.run(words, cwd=project, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.strip().split()[-1]) == (0, xats.__version__)
    words[-1] = "agents"
    done = subprocess.run(
        [*words, "--db", str(tmp_path / "s.db")], cwd=project, capture_output=True, text=True, check=False
    )
    assert "project " not in done.stderr
    assert not (tmp_path / "ran").exists()


def test_the_example_crews_are_in_the_wheel(wheel):
    with zipfile.ZipFile(wheel) as packed:
        names = {name for name in packed.namelist() if name.startswith("xats/examples/")}
    there = {str(one.relative_to(ROOT)) for one in (ROOT / "xats" / "examples").rglob("*") if one.is_file()}
    assert names == there
    assert "xats/examples/review/xats.toml" in names
