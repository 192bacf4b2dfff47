"""Statistics that workers report and the ledger keeps: counts, seconds by stage, and tallies by backend."""
