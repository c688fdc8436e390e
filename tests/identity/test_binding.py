"""Which agent a new session is for."""

import pytest

from xats.base import host
from xats.base.pane import Pane
from xats.core.agents import expectations
from xats.identity import binding
from xats.identity.circumstances import Circumstances

PANE = Pane("/tmp/s", 100, 1_700_000_000, "%1", 1001, "/dev/pts/1")


@pytest.mark.parametrize("asked, found", [(None, "bob"), ("crew", "bob"), ("other", None)])
def test_a_program_is_the_agent_that_is_expected_in_its_pane_if_that_is_in_its_team(team, asked, found):
    (bob,) = team.add("bob")
    team.store.write(lambda tx: expectations.expect(tx, bob, "codex", host.id(), PANE, 60_000, None))
    c = Circumstances({"XATS_TEAM": asked} if asked else {})
    claim = PANE.socket, PANE.server_pid, PANE.pane_id
    meant = team.store.read(lambda tx: binding.agent_for(tx, c, claim, own=None, former=None, client="codex"))
    assert meant == (("crew", found) if found else None)
