"""Stable Audio Open and Stable Audio 3: text-to-audio diffusion by diffusers (extra `stable-audio`)."""
