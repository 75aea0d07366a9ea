"""What the programs read: images and labels from folders that data_tools prepared."""

from refpcm.datasets.dataset import Dataset
from refpcm.datasets.loading import load
from refpcm.datasets.validation import split

__all__ = ["Dataset", "load", "split"]
