"""Ready workers for backends that need a Python of their own. They are run by path, as scripts."""
