"""Pictures of models and trainings; they need matplotlib (``pip install fastconv[plot]``)."""

from fastconv.visualize.curves import history
from fastconv.visualize.maps import feature_maps

__all__ = ["feature_maps", "history"]
