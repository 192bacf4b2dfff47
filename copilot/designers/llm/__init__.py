"""The designer on a language model without the network: what it asks, and how it reads the replies."""
