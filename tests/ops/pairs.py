"""What tests of bfloat16 share: which kernels may multiply pairs here."""

from fastconv import kernels


def can_run_pairs(variant):
    """Tell whether a variant's loops over pairs may run: as written out, or with an instruction of this processor."""
    with kernels.use(variant):
        k = kernels.for_dtype("float32")
    return kernels.multiplies_pairs(k) or not k.HAS_PAIR_PRODUCTS
