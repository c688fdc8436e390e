-- Not every program tells of a turn that its user has broken off; the daemon sees it in the pane.

alter table presence add column broken_off_at integer; -- when it was told or seen; null: not since the state was told
