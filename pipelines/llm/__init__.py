"""The language model's servers: asking them, waiting for them, measuring them."""
