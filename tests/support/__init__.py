"""What several folders of tests share: worlds, players, and programs that run in panes."""

import os

FOLDER = os.path.dirname(os.path.abspath(__file__))
