"""The stages of the pipeline, one module each; `table` has their names and pools, `pipeline` builds them."""
