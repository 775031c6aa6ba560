"""Floor 4: from layers to the steps that run.

``lowering`` records the ops of a chain of layers, ``fusion`` has the one table of runs of steps that become one,
``folding`` makes weights of weights for it, ``program`` binds the steps to a batch size, ``arena`` lays all its buffers
into one block of memory, ``slices`` tells how many samples inference takes at a time, ``plan`` holds it together.
``describe`` says what the steps are, ``profile`` times them, and ``playback`` runs them one by one for gradients of any
value with respect to any other.
"""

from fastconv.plan.plan import Plan

__all__ = ["Plan"]
