"""Ready listeners for a Python of their own. They import nothing of the project but each other's files."""
