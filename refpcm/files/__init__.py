"""Files in and out: atomic writing, safetensors, npz, PyTorch checkpoints without torch, network files."""
