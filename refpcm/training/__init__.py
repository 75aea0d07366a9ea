"""Training: schedules, SGD, augmentation, the loop and its checkpoints."""
