"""python -m tests.soak --minutes 10: everything at once; exits 1 if anything did not hold."""

import argparse
import json
import random
import sys

from tests.soak.soak import Soak

parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
parser.add_argument("--minutes", type=float, default=10)
parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
options = parser.parse_args()

soak = Soak(60 * options.minutes, options.seed, lambda text: print(text, file=sys.stderr, flush=True))
try:
    soak.run()
    violations = soak.violations()
    print(json.dumps({"seed": options.seed, **soak.summary(), "violations": violations}, indent=2))
finally:
    soak.close()
sys.exit(1 if violations else 0)
