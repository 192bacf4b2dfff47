"""Helpers of the tests: example data, stand-ins for backends and servers, and measures."""
