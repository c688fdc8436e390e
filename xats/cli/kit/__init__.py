"""What all verbs share: the context, the grammar, and how output is written."""
