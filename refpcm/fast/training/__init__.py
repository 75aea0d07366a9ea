"""The update of all weights in one kernel call each, and augmentation."""
