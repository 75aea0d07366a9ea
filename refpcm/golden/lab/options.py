"""The options of `python -m refpcm.golden lab`. Imports nothing heavy."""

import argparse

from refpcm import cli

USAGE = "python -m refpcm.golden lab FILE [--device NAME or TOML] [--report FILE] [--plot FILE]"


def add(action):
    """Add the options to the parser of the action."""
    action.usage = USAGE + "\n       python -m refpcm.golden lab --example FILE"
    action.add_argument("measurements", type=cli.name, metavar="FILE", nargs="?",
                        help="CSV with the columns device,target_us,time_s,g_us[,read], or npz (docs/lab.md)")
    action.add_argument("--device", default="joshi2020", metavar="NAME", help="whose law: a name, or a TOML file")
    action.add_argument("--alpha", type=_probability, default=0.01, metavar="P",
                        help="probability with which measurements that follow the law are blamed anywhere")
    action.add_argument("--bins", type=_count, metavar="N",
                        help="bins of equal width over the targets (default: each target, or 10 bins for more than 32)")
    action.add_argument("--report", type=cli.name, metavar="FILE", help="write the JSON report here")
    action.add_argument("--plot", type=cli.name, metavar="FILE", help="draw a picture here; needs matplotlib")
    action.add_argument("--example", type=cli.name, metavar="FILE",
                        help="write an example CSV, drawn from the law of --device, and compare nothing")


def _probability(text):
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 1e-12 <= value <= 0.5:
        raise argparse.ArgumentTypeError(f"{text!r} is no probability from 1e-12 to 0.5")
    return value


def _count(text):
    if not text.isdecimal() or not 1 <= int(text) <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 to 1000")
    return int(text)
