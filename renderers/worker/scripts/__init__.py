"""Ready workers for backends that need their own Python. They are run by path, as scripts."""
