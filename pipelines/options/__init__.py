"""What a user can set for a run: one field for each option.

The command line, configuration files and Python use the same classes, so that all three read a value in the
same way.
"""
