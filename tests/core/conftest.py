import pytest


@pytest.fixture
def later(store):
    """Add a table of a later schema to the store: `later(columns)`."""
    made = []

    def make(columns: str) -> None:
        store.write(lambda tx: tx.run(f"create table later ({columns})"))
        made.append(columns)

    yield make
    for _ in made:
        store.write(lambda tx: tx.run("drop table later"))
