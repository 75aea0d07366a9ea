"""Training runs: folder and data, loop, checkpoints and log, time budget, matched learning rate, report.

What a step computes is in `refpcm.spec.training`, its fast forms in `refpcm.fast.training`.
"""
