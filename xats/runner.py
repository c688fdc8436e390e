"""The script with which xats starts itself: `python -P -E .../xats/runner.py WORDS` (see base/python.py).

With these options Python ignores the current folder and its own variables. The package of this file runs, wherever it
is: in site-packages, in the folder of an editable install, or in a checkout that only PYTHONPATH named. Other modules
in that folder are found last, so none of them hides a module of the standard library.
"""

import os
import sys


def find_package() -> None:
    """Import the package of this file, and put its folder at the end of the search path."""
    folder = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    sys.path.insert(0, folder)
    import xats  # noqa: F401

    del sys.path[0]
    if folder not in sys.path:
        sys.path.append(folder)


if __name__ == "__main__":
    find_package()
    from xats.__main__ import run

    run()
