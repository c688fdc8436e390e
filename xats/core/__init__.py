"""The rules and their SQL, a folder for each noun: pure over a transaction, without a clock, tmux or printing."""
