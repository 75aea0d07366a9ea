"""`python -m refpcm.golden` list and export, after the arguments are parsed: options -> exit status."""

from data_tools.foreign_text import shown
from refpcm.golden import exchange
from refpcm.golden.new_folder import new_folder
from refpcm.golden.pin import find_kit
from refpcm.golden.precision import judged_as
from refpcm.golden.statistics import with_samples


def list_cases(options):
    """Print a line for each case. Raises RefpcmError if there is none."""
    for case in find_kit(options.kit).chosen(options.level, options.case):
        line = f"{case.id:<32} {case.operation:<24} {case.interpretation:<16} catches: {case.catches}"
        print(shown(line, 1000))
    return 0


def export(options):
    """Write cases as folders into a new folder: all or nothing, since a part would pass for a whole.

    Raises RefpcmError for a folder with something in it, or that cannot be written.
    """
    cases = with_samples(find_kit(options.kit).chosen(options.level, options.case), options.samples)
    with new_folder(options.folder, "give a new folder, so that no answers are overwritten") as partial:
        for case in cases:
            exchange.write_case(partial / case.id, judged_as(case, options.precision), holes=True)
    how = f" --precision {options.precision}" if options.precision else ""
    print(f"{len(cases)} cases written to {options.folder}; overwrite each outputs.safetensors, then check --outputs "
          f"{options.folder}{how}" + (f" --samples {options.samples}" if options.samples else ""))
    return 0
