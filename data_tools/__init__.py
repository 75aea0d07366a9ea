"""Get, make and check the data sets. Usable without refpcm; each module is a command: `python -m data_tools.NAME --help`."""
