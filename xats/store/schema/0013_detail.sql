-- What was seen in the pane when the last attempt was refused, in words: where on the screen the sign stood that decided.

alter table wakes add column detail text;
