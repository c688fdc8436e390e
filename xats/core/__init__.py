"""The rules and their SQL, one file for each noun: pure over a transaction, without a clock, tmux or printing."""
