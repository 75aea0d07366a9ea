"""Fast float32 kernels for the networks of refpcm.resnet. The specification is refpcm.nn; docs/kernels.md explains."""
