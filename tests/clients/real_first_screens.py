"""The programs of which only the first screens are known: found in their panes, and refused in those screens."""

from __future__ import annotations

import os
import tempfile
import time

import pytest

from tests.clients import real
from tests.clients.mock_model import Model
from xats.clients import occupants, registry
from xats.delivery import screens
from xats.tmux import pane, screen


@pytest.mark.parametrize("name", real.STARTING)
def test_a_program_is_found_and_its_first_screens_are_refused(name, monkeypatch):
    monkeypatch.setenv("XATS_CLIENTS", "/nonexistent")
    program, reason = real.installed(name)
    if program is None:
        pytest.skip(reason)
    with tempfile.TemporaryDirectory(prefix="xf", dir="/tmp") as folder:
        server, project = os.path.join(folder, "s"), os.path.join(folder, "proj")
        with Model() as model, real.start(name, server, project, model, settings=False) as running:
            for state, keys, sign in real.FIRST_SCREENS[name]:
                for key in keys:
                    running.keys(key)
                    time.sleep(1)  # as a person does
                running.wait_for(sign)
                there = pane.find(server, running.pane)
                assert occupants.find(there).client == name
                profile = registry.find(name, os.environ)
                wanted = {"dialog_open"} if state.startswith("dialog") else {"screen_unknown", "dialog_open"}
                assert screens.objection(profile, screen.look(there), "store-1") in wanted, state
