"""Designers: backends which turn a seed into a dialogue. Importing this package loads none of them.

The designer on a language model has two halves. Here, in `llm`, is everything that needs no network:
prompts, grammars, the reading of replies, and `Conversation`, a generator which yields an `Ask` and is sent
the `Reply`. The other half, which sends requests to servers and waits, is `pipelines.llm`. So every path of
a dialogue is tested with plain values, and the domain depends on no client library.
"""
