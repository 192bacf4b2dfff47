"""Arithmetic on a run before it starts: pools of workers, what they need, time and cost. Imports no Ray."""
