"""The file by which xats starts itself: `python -P -E .../xats/runner.py WORDS` (see python.py).

Python looks neither at the current folder nor at its own variables then. The package of this file is the one that runs,
wherever it lies: in site-packages, in a folder that an editable install names, or in a checkout that only PYTHONPATH
named. What else lies in its folder comes last, so no module there hides one of the standard library.
"""

import os
import sys


def find_package() -> None:
    """Import the package of this file, and let the modules beside it be found last."""
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
