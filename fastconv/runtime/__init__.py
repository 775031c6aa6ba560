"""Floor 0: what this computer and this build can do.

=============  ==================================================================================
``_cpu``       the processor's features, cache sizes, and the only door to OpenMP (compiled)
``spinning``   how long idle threads spin before they sleep; loads OpenMP
``threads``    how many threads a parallel loop gets, and why; ``set_num_threads``
``memory``     arrays that begin where vectors like it
``config``     ``info()`` and ``show_config()``: all of it in one place, for a bug report
``settings``   Keras's settings: ``floatx``, ``epsilon``, ``image_data_format``; fusion on or off
``seeds``      the one source of randomness
``caller``     warnings at the line of the program that called the library
=============  ==================================================================================

Nothing here knows of an image or a layer, and nothing here imports a higher floor: those that have something
to report register it with ``config.register``.
"""

from fastconv.runtime import spinning as spinning  # first of all: OpenMP reads its variables only once
