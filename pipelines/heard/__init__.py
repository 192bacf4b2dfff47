"""What listeners have heard in a run, on disk beside it: answers by sound, and figures by sample."""
