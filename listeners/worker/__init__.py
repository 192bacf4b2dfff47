"""The listener `worker:COMMAND`, a program that speaks the protocol; and listeners in child processes."""
