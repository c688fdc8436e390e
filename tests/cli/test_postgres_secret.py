"""A password in XATS_DB: xats uses it, and neither shows it nor passes it on."""

import os
import subprocess
import sys

import psutil
import pytest

from tests.support import postgres as servers
from xats.base import location
from xats.store.sqlite import paths

SECRET = "open/sesame: 100%@home"
WRITTEN = "open%2Fsesame%3A%20100%25%40home"
PARTS = ("sesame", "100%25", "100%@")  # of its spellings


@pytest.fixture(scope="module")
def place(own_postgres) -> str:
    """HOST:PORT/DATABASE of a database of the user ann, whose password is SECRET."""
    with own_postgres.connect() as admin:
        admin.execute(f"create role ann login password '{SECRET}'")
        admin.execute("create database hers owner ann template template0")
    return f"127.0.0.1:{own_postgres.port}/hers"


def told(text: str) -> list[str]:
    return [part for part in PARTS if part in text]


@pytest.mark.parametrize("written", [WRITTEN, SECRET], ids=["encoded", "as it is"])
def test_the_password_is_used_and_never_shown(xats, place, written, until):
    url = f"postgresql://ann:{written}@{place}"
    env = {"XATS_DB": url}
    ran = [
        xats("register", "alice", env=env),
        xats("register", "bob", env=env),
        xats("send", "bob", "hello", "--as", "alice", env=env),
        xats("inbox", "--as", "bob", "--json", env=env),
        xats("doctor", env=env, code=None),
        xats("doctor", "--json", env=env, code=None),
        xats("db", "check", env=env),
        xats("db", "info", env=env),
        xats("db", "query", "select nothing", env=env, code=2),
        xats("launch", "codex", "--name", "carl", "--print", env=env, code=None),
        xats("agents", env={"XATS_DB": url.replace("hers", "nowhere")}, code=1),
        xats("agents", "--json", env={"XATS_DB": f"postgresql://ann:{written}x@{place}"}, code=1),
        xats("agents", env={"XATS_DB": url.replace(place, f"127.0.0.1:{servers.free_port()}/hers")}, code=75),
        xats("agents", env={"XATS_DB": f"{url}?nonsense=1"}, code=1),
        xats("agents", env={"XATS_DB": f"{url}?sslmode=wrong"}, code=1),
        xats("agents", "--db", url, code=2),
    ]
    assert [one for one in ran if told(one.stdout + one.stderr)] == []
    assert ".pgpass" in ran[4].stdout and ".pgpass" in ran[-1].stderr
    line = location.passfile_line(f"postgresql://ann@{place}", {}).removesuffix("PASSWORD")
    passfile = xats.home / ".pgpass"
    passfile.write_text(line + SECRET.replace(":", "\\:") + "\n")
    passfile.chmod(0o600)
    assert told(xats("daemon", "start", env=env).stderr) == []
    try:
        pid = xats("daemon", "status", "--json", env=env).json()["pid"]
        daemon = psutil.Process(pid)
        assert told(" ".join(daemon.cmdline()) + str(daemon.environ())) == []
        assert f"ann@{place}" in " ".join(daemon.cmdline())
    finally:
        xats("daemon", "stop", env=env)
    passfile.unlink()
    kept = [path for path in xats.home.rglob("*") if path.is_file()]
    assert any(path.name.endswith("daemon.log") for path in kept)
    assert [path for path in kept if told(path.read_text(errors="replace"))] == []


def test_a_daemon_without_the_password_says_what_it_lacks(xats, place):
    env = {"XATS_DB": f"postgresql://ann:{WRITTEN}@{place}"}
    xats("register", "alice", env=env)
    ran = xats("daemon", "start", env=env, code=None)
    assert ran.code != 0
    assert ".pgpass" in ran.stderr or "wants a password" in ran.stderr
    assert told(ran.stderr) == []


def test_a_child_process_does_not_inherit_it(monkeypatch):
    monkeypatch.setenv("XATS_DB", f"postgresql://ann:{WRITTEN}@h/d?sslpassword=sesame")
    url = paths.default_path(os.environ)
    assert url == "postgresql://ann@h/d"
    child = subprocess.run(
        [sys.executable, "-c", "import os; print(os.environ)"], capture_output=True, text=True, check=True
    )
    assert told(child.stdout) == []
    assert location.secrets(url) == {"password": SECRET, "sslpassword": "sesame"}
    assert told(location.redacted(f"it is {SECRET}")) == []


def test_a_person_is_warned_once(xats, place):
    env = {"XATS_DB": f"postgresql://ann:{WRITTEN}@{place}"}
    first, second = (xats.on_terminal("agents", env=env) for _ in range(2))
    assert ".pgpass" in first and ".pgpass" not in second
    assert told(first + second) == []


@pytest.mark.parametrize(
    ("url", "clean", "password"),
    [
        ("postgresql://ann:a/b@h/d", "postgresql://ann@h/d", "a/b"),
        ("postgresql://ann:a?b@h/d", "postgresql://ann@h/d", "a?b"),
        ("postgresql://ann:a@b@h/d", "postgresql://ann@h/d", "a@b"),
        ("postgresql://ann:a:b@h", "postgresql://ann@h", "a:b"),
        ("postgres://h/d?x=1&password=p%20q&user=ann", "postgres://h/d?x=1&user=ann", "p q"),
        ("postgresql:///d?application_name=a@b", "postgresql:///d?application_name=a@b", None),
        ("postgresql://ann@h/d", "postgresql://ann@h/d", None),
        ("postgresql://", "postgresql://", None),
    ],
)
def test_a_password_is_found_in_every_form_of_a_url(url, clean, password):
    assert location.split(url) == (clean, {"password": password} if password else {})


@pytest.mark.parametrize("given", ["mysql://h/d", "sqlite:///x.db", "http://x"])
def test_another_kind_of_database_is_refused(xats, given):
    for ran in (xats("agents", "--db", given, code=2), xats("agents", env={"XATS_DB": given}, code=2)):
        assert "postgresql://" in ran.stderr
    assert not os.path.exists(xats.folder / given.partition("/")[0])


def test_without_psycopg_the_install_line_is_shown(xats, tmp_path):
    (tmp_path / "psycopg.py").write_text("raise ModuleNotFoundError(\"No module named 'psycopg'\", name='psycopg')\n")
    env = {"PYTHONPATH": f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"}
    error = xats("agents", "--json", env={**env, "XATS_DB": "postgresql:///x"}, code=1).error()
    assert error["code"] == "driver_missing"
    assert "xats[postgres]" in error["hint"] and "pipx inject" in error["hint"]
    xats("register", "alice", env=env)


def test_a_store_in_a_file_imports_nothing_of_it(tmp_path):
    code = "import sys; from xats.store.open import open_store; open_store(sys.argv[1]); print(*sys.modules)"
    words = [sys.executable, "-c", code, str(tmp_path / "xats.db")]
    found = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
    assert {"psycopg", "xats.base.location", "xats.store.postgres"}.isdisjoint(found)
