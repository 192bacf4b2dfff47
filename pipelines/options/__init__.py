"""Options of a run: one field for each setting that a user can give.

The command line, configuration files and Python use the same classes, so that all three read a value in the
same way.
"""
