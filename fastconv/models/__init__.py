"""Floor 5: models.

``sequential`` is the chain of layers, ``model`` what every model has, ``training`` the loops over batches, ``feeding``
makes batches of what a user passes, ``summary`` prints the table.
"""

from fastconv.models.model import Model
from fastconv.models.sequential import Sequential

__all__ = ["Model", "Sequential"]
