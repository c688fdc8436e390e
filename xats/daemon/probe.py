"""How the rules of turns look at the processes of this host."""

from __future__ import annotations

from xats.base import process
from xats.core.turns.turns import Probe
from xats.daemon.liveness import process_gone

PROBE = Probe(process_gone, process.gone)
