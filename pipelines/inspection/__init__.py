"""Tools that look at a run: status, stats, show, verify, filter. They import neither stages nor executors."""
