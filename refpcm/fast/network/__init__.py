"""A network on the kernels: from its list of layers to the steps of forward and backward passes."""
