"""The golden kit: find out, stage by stage, whether another implementation computes what refpcm computes.

Read in this order: case (what a case is), levels/ (which cases there are), reference/ (the answers), compare and
statistics (when an answer is right), kit (the files), runner and program (asking an implementation), signal_order and
report (what is said of it), fast_adapter/ (the fast forms, asked like any other implementation). The commands are
commands, explain, check and regenerate. The stored values live in refpcm/golden/v1 of the source tree. docs/golden.md
is the way in.
"""
