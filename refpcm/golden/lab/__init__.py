"""Laboratories: conductances measured on hardware, or simulated elsewhere, against the law of a device.

`python -m refpcm.golden lab`; docs/lab.md says what is compared and how. In the order of the work: table_file and
array_file read measurements; features makes numbers of each device, estimates quantities of each bin of targets; law
draws the same experiment from a device's equations; comparison and verdicts judge; report and plot show it.
"""
