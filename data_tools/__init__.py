"""Get, make and check the data sets. Usable without refpcm.

Commands: `python -m data_tools.cifar10`, `data_tools.synthetic`, `data_tools.imagenet`, each with --help.
"""
