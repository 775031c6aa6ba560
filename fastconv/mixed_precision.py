"""Mixed precision under its older names; see `fastconv.dtype_policies` and `fastconv.config`."""

from fastconv import absent
from fastconv.dtype_policies import DTypePolicy, dtype_policy, set_dtype_policy

Policy = DTypePolicy
global_policy = dtype_policy
set_global_policy = set_dtype_policy

__all__ = ["DTypePolicy", "Policy", "dtype_policy", "global_policy", "set_dtype_policy", "set_global_policy"]

__getattr__ = absent.of(__name__)
