"""The real agent CLIs of the tests: pinned versions from the npm registry, each in a tmux pane with a HOME of its own.

    with Model() as model, start("codex", "/tmp/t/sock", "/tmp/t/proj", model) as cli:
        cli.wait_idle()
        cli.paste("hello")
        cli.keys("Enter")
        cli.until(lambda: "hello" in model.prompts())

`installed(name)` is the program, or None and a reason that a test can skip with. Nothing of the user's own is read or
written: HOME is temporary, the environment is empty but for what is set here, and the only network is the model. The
programs are kept in $XATS_CLIENTS_DIR (by default ~/.cache/xats-clients).
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import psutil

from .mock_model import Model

KEY = "xats-test-key-0123456789abcdef"  # no key of anybody's: the model does not look at it
INSTALL_LIMIT = 600  # seconds for npm
START_LIMIT = 90.0  # seconds until a client takes input; two cores and a cold disk are slow
UNTITLED = "host"  # the title of a pane that no client has named yet
STILL = 1.0  # seconds without a change after which a screen counts as settled


TWICE = {"opencode": 0.5, "copilot": 0.15}  # those that break a turn off at the second Escape; seconds between the two


@dataclass(frozen=True)
class Client:
    """How one CLI is installed, started and recognised. `ready` and `busy` are patterns of the plain screen text."""

    name: str
    package: str
    version: str
    command: str
    ready: str
    busy: str
    busy_title: str = ""  # the pattern of the pane's title while it works
    arguments: tuple[str, ...] = ()
    newline: str = "C-j"  # the key that starts a new row in the composer
    leave: str = "/quit"  # what one submits to end it
    dialog: str = ""  # what a dialog at start-up says when the folder is not trusted yet
    accept: tuple[str, ...] = ("Enter",)  # the keys that trust the folder
    suspends: bool = True  # whether Ctrl-Z brings the shell back
    permission: str = ""  # what the dialog says that asks a person before a command runs
    recorded: bool = True  # whether record.py has its screens
    node: str = ""  # the version of node that it needs, where that is a newer one than most machines have


CLIENTS = {
    client.name: client
    for client in (
        Client(
            name="claude-code",
            package="@anthropic-ai/claude-code",
            version="2.1.332",
            command="claude",
            leave="/exit",
            accept=("Down", "Enter"),
            ready=r"^\u276f",
            busy=r"esc to interrupt|^[✶✢✽✻✳·*] \S+…",
            dialog=r"trust this folder|Is this a project",
            permission=r"Do you want to|Enter to continue",
        ),
        Client(
            name="codex",
            package="@openai/codex",
            version="0.171.0",
            command="codex",
            ready=r"^\u203a ",
            busy=r"esc to interrupt|tab to queue message",
            busy_title=r"^[\u2800-\u28ff] |Action Required",
            dialog=r"Trust this folder\?",
            permission=r"Would you like to run",
        ),
        Client(
            name="gemini",
            package="@google/gemini-cli",
            version="0.61.0",
            command="gemini",
            ready=r"^ > ",
            busy=r"esc to cancel",
            busy_title=r"Working|Action Required",
            suspends=False,
            dialog=r"Do you trust",
            permission=r"Allow execution of|Apply this change|Action Required",
        ),
        Client(
            name="opencode",
            package="opencode-ai",
            version="1.18.33",
            command="opencode",
            leave="/exit",
            ready=r"ctrl\+p|Ask anything",
            busy=r"esc interrupt|esc again",
            permission=r"Permission required",
        ),
        Client(
            name="qwen",
            package="@qwen-code/qwen-code",
            version="0.24.4",
            command="qwen",
            arguments=("--approval-mode=default",),
            dialog=r"Do you trust this folder",
            ready=r"^> ",
            busy=r"esc to cancel",
            permission=r"Allow execution of|Apply this change",
            suspends=False,
        ),
        Client(
            name="copilot",
            package="@github/copilot",
            version="1.0.102",
            command="copilot",
            leave="/exit",
            ready=r"^\u276f",
            busy=r"esc interrupt",
            permission=r"Do you want to",
            recorded=False,
        ),
    )
}

# Programs of which only the first screens are known: (state, keys that lead there from the one before, what it says).
FIRST_SCREENS: dict[str, tuple[tuple[str, tuple[str, ...], str], ...]] = {
    "kimi-code": (
        ("dialog-trust", (), r"Trust this folder\?"),
        ("dialog-start", ("Enter",), r"Run /login"),
        ("dialog-login", ("/login", "Enter"), r"Select a platform"),
    ),
    "cline": (
        ("dialog-start", (), r"Connect a model provider"),
        ("dialog-login", ("Enter",), r"Signing in with"),
    ),
    "droid": (
        ("start-up", (), r"\*{7}"),
        ("dialog-login", (), r"Please login"),
    ),
}
STARTING = {
    client.name: client
    for client in (
        Client("kimi-code", "@moonshot-ai/kimi-code", "2.1.0", "kimi", ready=r"$^", busy=r"$^", node="22.23.3"),
        Client("cline", "cline", "3.0.65", "cline", ready=r"$^", busy=r"$^"),
        Client("droid", "droid", "0.215.0", "droid", ready=r"$^", busy=r"$^"),
    )
}
EVERY = CLIENTS | STARTING

# What Codex is told of the model: what it takes of one that it does not know, but that it has the tool for patches.
MOCK = {
    "slug": "mock",
    "display_name": "mock",
    "base_instructions": "You are a model in a test.",
    "apply_patch_tool_type": "freeform",
    "shell_type": "unified_exec",
    "truncation_policy": {"mode": "tokens", "limit": 10000},
    "supported_reasoning_levels": [],
    "experimental_supported_tools": [],
    "support_verbosity": False,
    "supported_in_api": True,
    "visibility": "list",
    "priority": 1,
}


# -- installation ------------------------------------------------------------------------------------------------------


def directory() -> str:
    """Return where the programs are kept."""
    return os.environ.get("XATS_CLIENTS_DIR") or os.path.expanduser("~/.cache/xats-clients")


def _version(prefix: str, client: Client) -> str | None:
    try:
        with open(os.path.join(prefix, "node_modules", client.package, "package.json"), encoding="utf-8") as file:
            return json.load(file).get("version")
    except (OSError, ValueError):
        return None


def present(name: str) -> bool:
    """Say whether the program of the client `name` is here already, and what it needs."""
    client = EVERY[name]
    prefix = os.path.join(directory(), f"{name}-{client.version}")
    return _version(prefix, client) == client.version and bool(shutil.which("node") and shutil.which("tmux"))


def free_port() -> int:
    """Return a TCP port of the loopback interface at which nobody listens just now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def installed(name: str) -> tuple[str | None, str]:
    """Return the program of the client `name`, installed if need be, and "" or the reason why there is none."""
    client = EVERY[name]
    prefix = os.path.join(directory(), f"{name}-{client.version}")
    program = os.path.join(prefix, "node_modules", ".bin", client.command)
    if shutil.which("tmux") is None:
        return None, "there is no tmux"
    if shutil.which("node") is None or shutil.which("npm") is None:
        return None, "there is no node with npm"
    try:
        os.makedirs(directory(), exist_ok=True)
        with open(os.path.join(directory(), f".{name}.lock"), "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # two test processes install once
            if _version(prefix, client) != client.version or not os.path.exists(program):
                reason = _install(client, prefix)
                if reason:
                    return None, reason
    except OSError as error:
        return None, f"cannot write to {directory()}: {error.strerror}"
    return program, ""


def _install(client: Client, prefix: str) -> str:
    """Install `client` into `prefix`, whole or not at all, and return "" or what went wrong."""
    fresh = tempfile.mkdtemp(prefix=f".{client.name}-", dir=directory())
    command = ["npm", "install", "--prefix", fresh, "--no-audit", "--no-fund", "--no-save", "--loglevel=error"]
    command += ["--include=optional", f"{client.package}@{client.version}"]
    command += [f"node@{client.node}"] if client.node else []
    # npm keeps its own settings and cache, but opencode's script runs opencode, which writes to its home.
    own = os.path.expanduser("~")
    env = os.environ | {"HOME": fresh, "npm_config_userconfig": own + "/.npmrc", "npm_config_cache": own + "/.npm"}
    env = {key: value for key, value in env.items() if not key.startswith("XDG_")}
    try:
        done = subprocess.run(
            command,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=INSTALL_LIMIT,
            check=False,
        )
        if done.returncode:
            said = [line for line in done.stderr.splitlines() if line.strip() and "complete log" not in line]
            return f"npm cannot install {client.package}@{client.version}: {said[-1] if said else 'no message'}"
        program = os.path.join(fresh, "node_modules", ".bin", client.command)
        with tempfile.TemporaryDirectory(prefix="xats-home-") as home:
            tried = subprocess.run(
                [program, "--version"],
                env=environment(client, home, "http://127.0.0.1:9", program),
                cwd=home,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
        if tried.returncode or client.version not in tried.stdout:
            return (
                f"{client.command} {client.version} does not run here: {(tried.stderr or tried.stdout).strip()[:200]}"
            )
        shutil.rmtree(prefix, ignore_errors=True)
        os.rename(fresh, prefix)
        return ""
    except subprocess.TimeoutExpired as error:
        return f"{os.path.basename(error.cmd[0])} took more than {error.timeout:.0f} s"
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


# -- settings ----------------------------------------------------------------------------------------------------------


def environment(client: Client, home: str, url: str, program: str) -> dict[str, str]:
    """Return the whole environment of `client`."""
    node = os.path.dirname(shutil.which("node") or "/usr/bin/node")
    env = {
        "HOME": home,
        "PATH": ":".join(dict.fromkeys((os.path.dirname(program), node, "/usr/local/bin", "/usr/bin", "/bin"))),
        "LANG": "C.UTF-8",
        "SHELL": "/bin/bash",
        "TMPDIR": home + "/tmp",
        # The model is a proxy that reaches nothing: whatever a client wants of the internet fails at once.
        "HTTPS_PROXY": url,
        "HTTP_PROXY": url,
        "NO_PROXY": "127.0.0.1,localhost",
    }
    if client.name == "claude-code":
        env |= {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": KEY, "DISABLE_AUTOUPDATER": "1"}
    elif client.name == "codex":
        env |= {"MOCK_KEY": KEY}
    elif client.name == "gemini":
        env |= {"GEMINI_API_KEY": KEY, "GOOGLE_GEMINI_BASE_URL": url}
    elif client.name == "qwen":
        env |= {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": url + "/v1", "OPENAI_MODEL": "mock"}
    elif client.name == "copilot":
        env |= {"COPILOT_PROVIDER_BASE_URL": url + "/v1", "COPILOT_PROVIDER_API_KEY": KEY, "COPILOT_MODEL": "mock"}
        env |= {"COPILOT_OFFLINE": "true", "COPILOT_AUTO_UPDATE": "false"}
    elif client.name == "opencode":
        env |= {"OPENCODE_DISABLE_AUTOUPDATE": "1", "OPENCODE_DISABLE_MODELS_FETCH": "1"}
    return env


def _write(path: str, text: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def prepare(client: Client, home: str, folder: str, url: str, trusted: bool = True) -> None:
    """Write the settings of `client` into `home`; with `trusted` no dialog is left for its start in `folder`."""
    os.makedirs(home + "/tmp", exist_ok=True)
    folder = os.path.realpath(folder)
    if client.name == "claude-code":
        settings: dict = {"hasCompletedOnboarding": True, "theme": "dark"}
        settings["customApiKeyResponses"] = {"approved": [KEY[-20:]], "rejected": []}
        settings["hasSeenAutoDefaultNudge"] = trusted  # a question about its default mode
        settings["projects"] = {folder: {"hasTrustDialogAccepted": trusted}}
        _write(home + "/.claude.json", json.dumps(settings))
        _write(home + "/.claude/settings.json", json.dumps({"permissions": {"defaultMode": "default"}}))
    elif client.name == "codex":
        _write(home + "/.codex/models.json", json.dumps({"models": [MOCK]}))
        lines = ['model = "mock"', 'model_provider = "mock"', "check_for_update_on_startup = false"]
        lines += [f'model_catalog_json = "{home}/.codex/models.json"']
        lines += ["[model_providers.mock]", 'name = "mock"', f'base_url = "{url}/v1"', 'wire_api = "responses"']
        lines += ['env_key = "MOCK_KEY"']
        if trusted:
            lines += [f'[projects."{folder}"]', 'trust_level = "trusted"']
        _write(home + "/.codex/config.toml", "\n".join(lines) + "\n")
    elif client.name == "gemini":
        settings = {"security": {"auth": {"selectedType": "gemini-api-key"}, "folderTrust": {"enabled": not trusted}}}
        settings["general"] = {"enableAutoUpdate": False, "enableAutoUpdateNotification": False}
        settings["privacy"] = {"usageStatisticsEnabled": False}
        _write(home + "/.gemini/settings.json", json.dumps(settings))
    elif client.name == "qwen":
        settings = {"security": {"auth": {"selectedType": "openai"}, "folderTrust": {"enabled": not trusted}}}
        settings["model"] = {"name": "mock"}
        settings["agents"] = {"crossSessionInbound": "accept"}  # else it holds what xats hands over
        settings["general"] = {"enableAutoUpdate": False, "disableAutoUpdate": True}
        settings["tools"] = {"useRipgrep": False}  # it would say where it looked for one
        settings["privacy"] = {"usageStatisticsEnabled": False}
        _write(home + "/.qwen/settings.json", json.dumps(settings))
    elif client.name == "copilot":
        _write(home + "/.copilot/config.json", json.dumps({"trusted_folders": [folder] if trusted else []}))
    elif client.name == "opencode":
        options = {"baseURL": url + "/v1", "apiKey": KEY}
        provider = {"npm": "@ai-sdk/openai-compatible", "name": "Mock", "options": options}
        provider["models"] = {"mock": {"name": "Mock", "limit": {"context": 100000, "output": 4096}}}
        settings = {"model": "mock/mock", "provider": {"mock": provider}, "permission": {"bash": "ask"}}
        settings |= {"autoupdate": False, "share": "disabled"}
        _write(home + "/.config/opencode/opencode.json", json.dumps(settings))


def trust(client: Client, home: str, folder: str) -> None:
    """Let `client` trust `folder` too, as a person has said before; of those that ask, only these two need it."""
    folder = os.path.realpath(folder)
    if client.name == "codex":
        with open(home + "/.codex/config.toml", "a", encoding="utf-8") as file:
            file.write(f'[projects."{folder}"]\ntrust_level = "trusted"\n')
    elif client.name == "claude-code":
        with open(home + "/.claude.json", encoding="utf-8") as file:
            settings = json.load(file)
        settings["projects"][folder] = {"hasTrustDialogAccepted": True}
        _write(home + "/.claude.json", json.dumps(settings))


# -- a running client --------------------------------------------------------------------------------------------------


class NotReached(Exception):
    """A client did not come into the state that was waited for; the message ends with its screen."""


@dataclass
class Running:
    """One client in one pane. It is closed with everything it started when its `with` block ends.

    One that was started in the HOME of another is closed with that one.
    """

    client: Client
    socket: str
    pane: str
    folder: str
    home: str
    model: Model
    guest: bool = False  # whether the HOME is another's
    _buffers: int = field(default=0, repr=False)

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    # what it does

    def tmux(self, *arguments: str, stdin: str | None = None) -> str:
        """Run one tmux command on the pane's server and return what it says."""
        return _tmux(self.socket, *arguments, stdin=stdin)

    def keys(self, *names: str) -> None:
        """Press keys by name."""
        self.tmux("send-keys", "-t", self.pane, *names)

    def interrupt(self) -> None:
        """Break the turn off as a person does."""
        self.keys("Escape")
        if self.client.name in TWICE:
            time.sleep(TWICE[self.client.name])
            self.keys("Escape")

    def type(self, text: str, pause: float = 0.03) -> None:
        """Type `text` as a person does, one key after the other."""
        for letter in text:
            self.tmux("send-keys", "-t", self.pane, "-l", letter if letter != ";" else r"\;")
            time.sleep(pause)

    def paste(self, text: str) -> None:
        """Paste `text` in a bracket, as xats does."""
        self._buffers += 1
        name = f"real-{os.getpid()}-{self._buffers}"
        self.tmux("load-buffer", "-b", name, "-", stdin=text)
        self.tmux("paste-buffer", "-p", "-r", "-d", "-b", name, "-t", self.pane)

    def submit(self, text: str) -> None:
        """Paste `text`, give the client time to take it, and press Enter; return when the model has it."""
        before = len(self.model.prompts())
        self.paste(text)
        time.sleep(0.5)
        self.keys("Enter")
        self.until(lambda: len(self.model.prompts()) > before, what=f"the prompt {text!r} reaches the model")

    def launch(self, *words: str) -> None:
        """Start the client by a line in the pane's shell."""
        self.keys("-l", shlex.join(words))
        self.keys("Enter")

    def resize(self, width: int, height: int) -> None:
        """Give the pane another size and wait until the client has drawn itself anew."""
        self.tmux("resize-window", "-t", self.pane, "-x", str(width), "-y", str(height))
        self.settled(minimum=1.5)

    # what it shows

    def screen(self, colours: bool = False) -> str:
        """Return the visible screen, with its SGR sequences if `colours`."""
        return self.tmux("capture-pane", "-p", *(["-e"] if colours else []), "-t", self.pane)

    def format(self, text: str) -> str:
        """Return what the tmux format `text` is for the pane."""
        return self.tmux("display-message", "-p", "-t", self.pane, text).rstrip("\n")

    def shows(self, pattern: str) -> bool:
        """Say whether a row of the screen matches `pattern`."""
        return re.search(pattern, self.screen(), re.M) is not None

    def idle(self) -> bool:
        """Say whether the screen has the composer and nothing tells of work or of a dialog."""
        client, screen = self.client, self.screen()
        title = self.format("#{pane_title}")
        if title == UNTITLED or (client.busy_title and re.search(client.busy_title, title)):
            return False  # Codex draws its composer seconds before it is ready, and names the pane when it is
        signs = "|".join(sign for sign in (client.busy, client.dialog, client.permission) if sign)
        return bool(re.search(client.ready, screen, re.M)) and not re.search(signs, screen, re.M)

    # waiting

    def until(self, condition: Callable[[], object], seconds: float = 60.0, what: str = "") -> None:
        """Wait until `condition()` is true."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                wanted = what or "a condition"
                raise NotReached(f"{self.client.name}: {wanted}: not within {seconds:.0f} s\n{self.screen()}")
            time.sleep(0.05)

    def wait_for(self, pattern: str, seconds: float = 60.0) -> None:
        """Wait until a row of the screen matches `pattern`."""
        self.until(lambda: self.shows(pattern), seconds, f"the screen shows {pattern}")

    def settled(self, seconds: float = 60.0, minimum: float = STILL) -> None:
        """Wait until the screen and the cursor have not changed for `minimum` seconds."""
        deadline = time.monotonic() + seconds
        last, since = "", time.monotonic()
        while time.monotonic() - since < minimum and time.monotonic() < deadline:
            time.sleep(0.1)
            now = self.screen(colours=True) + self.format("#{cursor_x},#{cursor_y}")
            if now != last:
                last, since = now, time.monotonic()

    def wait_idle(self, seconds: float = START_LIMIT) -> None:
        """Wait until the composer is drawn, nothing says that the client works, and the screen rests."""
        deadline = time.monotonic() + seconds
        while True:
            left = max(deadline - time.monotonic(), 0.1)
            self.until(self.idle, left, "idle")
            self.settled(max(deadline - time.monotonic(), 0.1))
            if self.idle():
                return

    def processes(self) -> list[psutil.Process]:
        """Return the processes below the pane's shell, parents before children."""
        try:
            return psutil.Process(int(self.format("#{pane_pid}"))).children(recursive=True)
        except psutil.Error:
            return []

    def native_status(self) -> dict | None:
        """Return what Claude Code wrote about this session in its registry, or None."""
        folder = self.home + "/.claude/sessions"
        for name in os.listdir(folder) if os.path.isdir(folder) else []:
            if re.fullmatch(r"\d+\.json", name):
                try:
                    with open(os.path.join(folder, name), encoding="utf-8") as file:
                        return json.load(file)
                except ValueError:
                    return None  # caught in the middle of a write
        return None

    def close(self) -> None:
        """End the pane and every process that carries this HOME, also those that left the pane's process tree."""
        _tmux(self.socket, "kill-pane", "-t", self.pane, check=False)
        if self.guest:
            return
        left = [process for process in psutil.process_iter() if _home(process) == self.home]
        for sign in (signal.SIGTERM, signal.SIGKILL):
            for process in left:
                with contextlib.suppress(psutil.Error):
                    process.send_signal(sign)
            _, left = psutil.wait_procs(left, timeout=3)
        shutil.rmtree(self.home, ignore_errors=True)


def _home(process: psutil.Process) -> str | None:
    try:
        return process.environ().get("HOME")
    except (psutil.Error, OSError):
        return None


def _tmux(socket: str, *arguments: str, stdin: str | None = None, check: bool = True) -> str:
    env = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LANG": "C.UTF-8", "HOME": os.path.dirname(socket)}
    command = ["tmux", "-S", socket, "-f", "/dev/null", *arguments]
    done = subprocess.run(command, input=stdin, env=env, capture_output=True, text=True, timeout=20, check=False)
    if check and done.returncode:
        raise RuntimeError(f"tmux {' '.join(arguments[:1])}: {done.stderr.strip()}")
    return done.stdout


def start(
    name: str,
    socket: str,
    folder: str,
    model: Model,
    *,
    width: int = 100,
    height: int = 30,
    trusted: bool = True,
    settings: bool = True,
    extra: dict[str, str] | None = None,
    arguments: tuple[str, ...] = (),
    line: str = "",
    home: str = "",
    before: Callable[[str], object] | None = None,
    launch: bool = True,
) -> Running:
    """Start the client `name` in `folder`, from a shell in a new session of the tmux server at `socket`.

    The shell has job control and the prompt `$ `, as a person's has. Raises LookupError, with the reason, if the client
    cannot be installed here. It does not wait: `wait_idle()` does. Without `trusted` it asks whether the folder is
    trusted, without `settings` it is as on its first day; `extra` are more variables of its environment and `arguments`
    more words of its command; `line` is what is typed in the shell to start it, if not its command. `home` is that of
    another, which is as that one left it; `before` is called with the HOME when its settings are written. Without
    `launch` only the shell is there.
    """
    client = EVERY[name]
    program, reason = installed(name)
    if program is None:
        raise LookupError(reason)
    os.makedirs(folder, exist_ok=True)
    guest, home = bool(home), home or tempfile.mkdtemp(prefix="xats-home-")
    env = environment(client, home, model.url, program) | (extra or {})
    if guest:
        pass
    elif settings:
        prepare(client, home, folder, model.url, trusted)
    else:
        os.mkdir(home + "/tmp")
        env = {key: value for key, value in env.items() if KEY not in value}
    if before:
        before(home)
    # env -i: not a variable of the server's, which may be a test's or have been started by an agent itself.
    words = " ".join(f"{key}='{value}'" for key, value in env.items())
    shell = f"exec env -i TMUX=$TMUX TMUX_PANE=$TMUX_PANE TERM=tmux-256color {words} PS1='$ ' bash --norc --noprofile"
    options = ("-d", "-P", "-F", "#{pane_id}", "-x", str(width), "-y", str(height), "-c", folder)
    pane = _tmux(socket, "new-session", *options, shell).strip()
    running = Running(client, socket, pane, folder, home, model, guest)
    _tmux(socket, "select-pane", "-t", pane, "-T", UNTITLED)  # tmux says the name of the machine
    running.wait_for(r"^\$")
    if launch and line:
        running.keys("-l", line)
        running.keys("Enter")
    elif launch:
        running.launch(client.command, *client.arguments, *arguments)
    return running
