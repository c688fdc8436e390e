"""A player that takes prompts of people: it shows long pastes by the marker of the program that it plays.

Markers as they were recorded, see tests/clients/screens/*/draft-marker.json.
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import players

MARKERS = {
    "claude-code": "[Pasted text #{number} +{lines} lines]",
    "codex": "[Pasted Content {length} chars]",
    "gemini": "[Pasted Text: {rows} lines]",
    "opencode": "[Pasted ~{rows} lines] ",
}


class Reader(players.Player):
    """One agent program that is written to by people."""

    def paste_ended(self):
        before = len(self.markers)
        super().paste_ended()
        if len(self.markers) > before and self.options.look in MARKERS:
            text, _ = self.markers.pop()
            lines = text.count("\n")
            facts = {"number": before + 1, "lines": lines, "rows": lines + 1, "length": len(text)}
            self.markers.append((text, MARKERS[self.options.look].format(**facts)))

    def submit(self):
        super().submit()
        self.sent[-1:] = [line.replace("\n", " ")[:60] for line in self.sent[-1:]]  # what its history shows


if __name__ == "__main__":
    Reader(players.parser.parse_args()).run()
