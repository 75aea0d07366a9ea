"""Fast float32 kernels for the networks of refpcm.spec.resnet. The specification is refpcm.spec.nn; docs/kernels.md explains."""
