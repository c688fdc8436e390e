"""What several tests of the stores need."""

import uuid

import pytest


@pytest.fixture
def empty(postgres):
    """The name of a database without a schema of xats."""
    name = f"empty_{uuid.uuid4().hex[:12]}"
    with postgres.connect() as admin:
        admin.execute(f"create database {name} owner xats template template0")
    yield name
    with postgres.connect() as admin:
        admin.execute(f"drop database {name} with (force)")
