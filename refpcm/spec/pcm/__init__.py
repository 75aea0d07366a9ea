"""Phase-change memory: what becomes of a weight matrix on a chip.

Read the modules in the order the signal passes: device -> mapping -> programming -> drift -> read_noise -> chip, and
product_noise -> converters -> tile for a product with the matrix. Nothing here knows of networks.
"""
