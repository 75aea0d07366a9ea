"""The golden kit: find out, stage by stage, whether another implementation computes what refpcm computes.

Read in this order: case (what a case is), levels/ (which cases there are), reference/ (the answers), compare and
statistics (when is an answer right), kit (the files), runner and report (asking an implementation) (proof
that mistakes are found). The stored values live in refpcm/golden/v1 of the source tree. docs/golden.md is the way in.
"""
