"""A run on disk or behind a URI: description, lock, ledger, shards, reader."""
