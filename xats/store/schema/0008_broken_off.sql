-- A program does not tell of a turn that its user has broken off; the daemon sees it in the pane.

alter table presence add column broken_off_at integer; -- the state is what was told last; null: nothing else was seen
