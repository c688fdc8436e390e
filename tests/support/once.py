"""One attempt in a process of its own, so that it can be killed: reads its arguments as JSON, prints the outcome."""

import json
import sys

from xats.tmux.pane import Pane
from xats.tmux.paste import attempt

given = json.loads(sys.argv[1])
client = tuple(given["client"]) if given["client"] else None
outcome = attempt(
    Pane(**given["pane"]), line=lambda: given["line"], token=given["token"], quiet_ms=given["quiet_ms"], client=client
)
print(json.dumps([outcome.state, outcome.reason, outcome.detail]))
