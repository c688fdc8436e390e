-- A wake names the path of xats to an agent whose PATH has no xats.

alter table sessions add column xats_path text; -- 'xats' where it is in the agent's PATH, else its path; null: not known
