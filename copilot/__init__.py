"""The domain: what a scene, an edit, a mix and a sample are.

Nothing here imports an executor, a model server or a GPU library.
"""

from importlib.metadata import version

__version__ = version("audiocopilot")
