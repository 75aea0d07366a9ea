"""`python -m refpcm.golden`: list, explain, export, pack, check, scoreboard, lab, regenerate."""

from refpcm import cli
from refpcm.golden.lab import options as lab_options

DESCRIPTION = """\
Check another implementation of PCM inference against refpcm, case by case.

  python -m refpcm.golden check --adapter my_package.golden_adapter
  python -m refpcm.golden check --command "./my_simulator" --level 0 1 3
  python -m refpcm.golden export cases && (answer them on any machine) && python -m refpcm.golden check --outputs cases
  python -m refpcm.golden check --self         (our fast forms; --self spec: the specification)
  python -m refpcm.golden check --adapter my_package.golden_adapter --profile golden.toml --junit golden.xml
  python -m refpcm.golden explain L1-nu
  python -m refpcm.golden lab measured.csv --device joshi2020   (measured conductances against a device's law)
"""
EXIT_STATUS = ("exit status: 0 all answered cases passed, 1 one failed, or passed against the profile, or none was "
               "answered, 2 wrong usage, 3 all passed but the kit is not a released one, 4 fewer were answered than "
               "the profile wants, 130 interrupted")
ACTIONS = {
    "list": "the cases",
    "explain": "one case in full",
    "export": "write cases as folders of files",
    "pack": "write the kit as one archive",
    "check": "ask an implementation",
    "scoreboard": "several reports side by side",
    "lab": "compare measured conductances with the law of a device",
    "regenerate": "compute the kit anew and compare with the stored"}


def arguments(argv=None):
    """The parsed command line; .action is one of ACTIONS. Exits with status 2 for wrong usage."""
    parser = cli.parser("refpcm.golden", DESCRIPTION, EXIT_STATUS)
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, about in ACTIONS.items():
        action = actions.add_parser(name, help=about, description=about, formatter_class=cli.Help, allow_abbrev=False)
        if name == "lab":
            lab_options.add(action)
            continue
        if name == "scoreboard":
            _add_path(action, "reports", "REPORT", "JSON reports of check", nargs="+")
            _add_path(action, "--markdown", "FILE", "also write the table here")
            continue
        _add_path(action, "--kit", "KIT", "folder of a kit; or 1 for version 1; or the version that is wanted at least, such as "
                  "2.1, or exactly, such as 2.2@7eecfc65 (default: the newest version)")
        if name == "pack":
            _add_path(action, "file", "FILE", "new zip archive")
            continue
        if name == "explain":
            action.add_argument("case", nargs="+", metavar="CASE", help="ids of cases; * stands for anything")
            continue
        action.add_argument("--level", type=int, nargs="+", choices=range(9), metavar="N",
                            help="only these levels, 0 to 8")
        if name in ("list", "export", "check"):
            action.add_argument("--case", nargs="+", metavar="ID", help="only these cases; * stands for anything")
        if name in ("export", "check"):
            action.add_argument("--samples", type=int, metavar="N",
                                help="samples of each bin at L6 (default: the kit's); more find smaller effects")
        if name == "export":
            action.usage = ("python -m refpcm.golden export DIR [--level N ...] [--case ID ...] [--samples N] [--kit KIT] "
                            "[--precision P]")
            _add_path(action, "folder", "DIR", "new folder; one folder a case is made in it")
        if name == "check":
            asked = action.add_mutually_exclusive_group(required=True)
            asked.add_argument("--self", nargs="?", const="fast", choices=("fast", "spec"), metavar="FORM",
                               help="check the installed refpcm: its fast forms, or spec, the specification")
            asked.add_argument("--adapter", metavar="MODULE",
                               help="Python module with functions named like the operations")
            asked.add_argument("--command", metavar="CMD", help="program; gets: case id, input folder, output folder")
            _add_path(asked, "--outputs", "DIR", "folder made by export, answered elsewhere")
            action.add_argument("--time-limit", type=cli.duration, metavar="SECONDS",
                                help="for --command: a program that takes longer for a case is stopped (default: 600)")
            _add_path(action, "--profile", "FILE", "TOML or JSON file: what is required, expected to fail, skipped")
            action.add_argument("--require", nargs="+", metavar="OPERATION",
                                help="operations or cases that have to be answered; * stands for anything")
            action.add_argument("--arithmetic", choices=("winograd", "tf32", "bf16"),
                                help="how matrix products are computed: wider tolerances for them in float32")
            _add_path(action, "--report", "FILE", "write the JSON report here")
            _add_path(action, "--junit", "FILE", "write a report in JUnit XML here")
            _add_path(action, "--markdown", "FILE", "write the counts as a table in Markdown here")
            _add_path(action, "--badge", "FILE", "write the JSON of a badge here")
        if name in ("export", "check"):
            action.add_argument("--precision", choices=("float64", "float32"),
                                help="float32: every case with inputs and outputs in float32 (default: as stored)")
        if name == "regenerate":
            _add_path(action, "--out", "DIR", "also write the new kit into this new folder")
    return parser.parse_args(argv)


def _add_path(action, name, metavar, about, **more):
    action.add_argument(name, type=cli.name, metavar=metavar, help=about, **more)


def main():
    options = arguments()
    if options.action == "lab":
        from refpcm.golden.lab.command import lab
        return lab(options)
    from refpcm.golden import check, commands, explain, pack, regenerate, scoreboard
    actions = {"list": commands.list_cases, "explain": explain.explain, "export": commands.export, "pack": pack.pack,
               "check": check.check, "scoreboard": scoreboard.scoreboard, "regenerate": regenerate.regenerate}
    return actions[options.action](options)


if __name__ == "__main__":
    cli.run(main)
