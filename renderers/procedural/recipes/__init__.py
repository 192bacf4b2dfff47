"""The recipes of procedural sounds, one module a family."""
