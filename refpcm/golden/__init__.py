"""The golden kit: find out, stage by stage, whether another implementation computes what refpcm computes.

Read in this order: case (what a case is), levels/ (which cases there are), reference/ (the answers), compare and
statistics (when an answer is right), precision (the same in float32), kit and pin (the files), runner and program
(asking an implementation), profile and one_case (what it promises), signal_order and report (what is said of it), junit
and scoreboard (the same for other programs), fast_adapter/ (the fast forms, asked like any other implementation). The
commands are commands, explain, check, pack, scoreboard and regenerate; pytest_cases is for the tests of other
repositories, and lab/ compares measured conductances with the law of a device.
The stored values are in v2/, which is installed with the package, and in v1/ of the source tree. docs/golden.md is the
way in.
"""
