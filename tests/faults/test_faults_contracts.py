"""kill -9 of agents that put versions of one contract, at random moments: a version and its mail, or neither.

XATS_FAULT_SEED sets where the dice begin.
"""

from __future__ import annotations

import json
import os
import random
import signal
import time

from tests.support.dump import assert_whole

SEED = int(os.environ.get("XATS_FAULT_SEED", str(time.time_ns() % 1_000_000)))
ROUNDS, AT_ONCE = 10, 4
LONGEST = 0.9  # seconds that a process may live at the most; about what one needs when several share two cores


def test_a_version_has_its_mail_and_the_mail_its_version(world):
    print(f"XATS_FAULT_SEED={SEED}")  # shown when it fails
    dice = random.Random(SEED)
    for name in ("alice", "bob", "carol"):
        world.register(name)
    world.xats("contract", "subscribe", "order", "--as", "bob")
    acknowledged, killed, serial = {}, 0, 0
    for _ in range(ROUNDS):
        at_work = []
        for who in ("alice", "carol") * (AT_ONCE // 2):
            serial += 1
            path = os.path.join(world.folder, f"{serial}.json")
            with open(path, "w") as file:
                json.dump({"const": serial}, file)
            made = world.start("contract", "put", "order", path, "--as", who, "--json")
            at_work.append((dice.random() * LONGEST, serial, made))
        began = time.monotonic()
        for moment, _, made in sorted(at_work, key=lambda one: one[0]):
            time.sleep(max(0.0, began + moment - time.monotonic()))
            made.kill()
        for _, number, made in at_work:
            out, err = made.communicate(timeout=60)
            assert made.returncode in (0, -signal.SIGKILL), err
            killed += made.returncode != 0
            if out.endswith("\n"):
                acknowledged[number] = json.loads(out)["contract"]["version"]
    assert_whole(world)
    assert killed > 0
    stored = {
        json.loads(row["text"])["const"]: row["version"]
        for row in world.rows("select text, version from contract_versions")
    }
    assert sorted(stored.values()) == list(range(1, len(stored) + 1))
    assert {number: stored.get(number) for number in acknowledged} == acknowledged
    told = [row["subject"] for row in world.rows("select subject from messages order by id")]
    assert [subject.split()[1].rstrip(":") for subject in told] == [f"order@{n}" for n in sorted(stored.values())]
    # Whoever comes afterwards goes on where they left off.
    with open(os.path.join(world.folder, "last.json"), "w") as file:
        file.write("true")
    last = world.json("contract", "put", "order", file.name, "--as", "alice")
    assert (last["contract"]["version"], last["notified"]) == (len(stored) + 1, ["bob@t"])
