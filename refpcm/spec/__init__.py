"""The specification: the equations of the method in plain NumPy, and the measure of everything else in refpcm.

It imports NumPy, the standard library, itself and `refpcm.errors`, and nothing else. docs/audit.md goes through it in
reading order. The fast forms of what programs call have the same names in `refpcm.fast`; `refpcm.forms` switches between the two.
"""
