-- What an agent works on, in its own words. The text belongs to the session and goes with it.
alter table sessions add column doing text; -- one line of at most 200 characters; null: the agent said nothing
alter table sessions add column doing_at integer; -- since when, in ms UTC
