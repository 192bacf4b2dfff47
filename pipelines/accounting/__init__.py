"""Figures that workers report and the ledger keeps: counts, seconds by stage, and what backends rendered."""
