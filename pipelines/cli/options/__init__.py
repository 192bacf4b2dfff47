"""Options of the command line, in groups that several commands share."""
