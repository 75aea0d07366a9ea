"""Which cases the fast forms can be asked: the kernels of layers, networks and updates compute in float32."""

from functools import wraps

import numpy as np


def float32_only(operation):
    """Return the operation, which raises NotImplementedError (unsupported) for a case with an input in float64."""
    @wraps(operation)
    def asked(inputs, parameters):
        if any(array.dtype == np.float64 for array in inputs.values()):
            raise NotImplementedError("the fast form computes in float32")
        return operation(inputs, parameters)
    return asked
