"""The designer on a language model, but for the network: what is asked, and what is made of the replies."""
