"""The pipeline on Ray: its stages as pools of workers, on one machine or on a cluster."""
