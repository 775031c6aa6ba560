"""
Schedules of the learning rate
==============================

How large a step is, step by step.
"""

import matplotlib.pyplot as plt

from fastconv.optimizers import schedules

table = {
    "exponential": schedules.ExponentialDecay(0.1, 200, 0.5),
    "cosine": schedules.CosineDecay(0.1, 1000),
    "cosine, warmed up": schedules.CosineDecay(0.0, 800, warmup_target=0.1, warmup_steps=200),
    "restarts": schedules.CosineDecayRestarts(0.1, 250, t_mul=1.5, m_mul=0.8),
    "piecewise": schedules.PiecewiseConstantDecay([300, 700], [0.1, 0.03, 0.01]),
    "polynomial": schedules.PolynomialDecay(0.1, 1000, 0.0, power=2),
}
figure, axes = plt.subplots(2, 3, figsize=(9, 4.4), sharex=True, sharey=True, layout="constrained")
for place, (name, schedule) in zip(axes.flat, table.items(), strict=True):
    place.plot([float(schedule(step)) for step in range(1000)])
    place.set_title(name)
    place.grid(alpha=0.3)
