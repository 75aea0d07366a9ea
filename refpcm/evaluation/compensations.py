"""The names of the compensations, and what each consists of. Imports nothing heavy."""

COMPENSATIONS = ("none", "gdc", "adabs", "adabs-alone")  # adabs: with GDC beneath (I-11)
WITH_GDC, WITH_ADABS = ("gdc", "adabs"), ("adabs", "adabs-alone")
