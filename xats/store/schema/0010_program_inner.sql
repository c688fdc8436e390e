-- What the program of a session ran through when it was first seen, such as npx around it.

alter table sessions add column program_inner text; -- JSON: a list of [pid, start time, st_dev, st_ino, script]
