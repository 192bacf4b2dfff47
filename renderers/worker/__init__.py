"""The backend `worker:COMMAND`: sound made by a program in a Python of its own, and its protocol."""
