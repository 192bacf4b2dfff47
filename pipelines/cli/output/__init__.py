"""Output of commands: progress, tables, plans, lists of backends."""
