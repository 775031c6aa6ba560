"""Pictures of models and trainings; they need matplotlib (``pip install fastconv[plot]``)."""

from fastconv.visualize.attribution import grad_cam, occlusion, saliency
from fastconv.visualize.classes import confusion
from fastconv.visualize.curves import history
from fastconv.visualize.dreams import activation_maximization
from fastconv.visualize.filters import filters
from fastconv.visualize.maps import feature_maps
from fastconv.visualize.steps import plan

__all__ = [
    "activation_maximization",
    "confusion",
    "feature_maps",
    "filters",
    "grad_cam",
    "history",
    "occlusion",
    "plan",
    "saliency",
]
