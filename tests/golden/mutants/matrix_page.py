"""Which case kills which mutant: asking the cases, and the matrix as a page (docs/golden-mutants.md)."""

from refpcm.golden import reference, runner
from tests.golden.mutants.catalogue import FOREIGN, levels_of, mutants, survivors
from tests.golden.mutants.replacing import in_place

FAST = (0, 1, 2, 3, 5, 6, 8)  # levels that the matrix asks


def killing_cases(replacements, cases):
    """Yields the ids of the cases that fail with the replacements in place, until the caller has seen enough."""
    with in_place(replacements):
        ask = runner.adapter_asker(reference.__name__)
        yield from (case.id for case in cases if runner.run_case(case, ask)[0] == "failed")


def matrix(cases):
    """[(name, what is wrong, {level: ids of killing cases})] of the mutants against cases of the levels FAST.

    A mutant is asked the levels of its theme; one without a case to ask has no row.
    """
    rows = []
    for name, what, replacements in mutants():
        asked = [case for case in cases if case.level in levels_of(name)]
        if not asked:
            continue
        killed = list(killing_cases(replacements, asked))
        rows.append((name, what, {level: [id for id in killed if id[1] == str(level)] for level in FAST}))
    return rows


def matrix_text(rows):
    """The matrix as a Markdown page."""
    killed = sum(any(kills.values()) for _, _, kills in rows)
    foreign = {name for name, _, _ in mutants(FOREIGN)} | {name for name, *_ in survivors()}
    every = [name for name, *_ in (*rows, *survivors())]
    lines = ["# Mutants: mistakes the golden kit finds", "",
             f"{len(every)} deliberate mistakes, {sum(name in foreign for name in every)} of them invented without knowledge of "
             f"the cases, {killed} found, [some](golden_versions.md#21) by cases that were added because of them. The foreign "
             "ones stand last, those that are not found at the end.", "",
             "A number is how many cases of a level fail. A mistake is asked the levels of its theme only; L4 and L7 are not "
             "asked.",
             "GDC is global drift compensation, AdaBS adaptive batch norm statistics, DAC and ADC digital-to-analog and "
             "analog-to-digital converters.",
             "Made by `python -m tests.golden.mutants --markdown docs/golden-mutants.md`.", "",
             "| mutant | mistake | " + " | ".join(f"L{level}" for level in FAST) + " | first case |",
             "|---|---|" + "--:|" * len(FAST) + "---|"]
    for name, what, kills in rows:
        first = next((ids[0] for ids in kills.values() if ids), "**survived**")
        what = what.replace("|", "\\|")
        counts = " | ".join(str(len(kills[level]) or "") for level in FAST)
        lines.append(f"| {name} | {what} | {counts} | {first} |")
    lines += ["", "## Mistakes that no case finds", "", "| mutant | mistake | why it is not found |", "|---|---|---|"]
    lines += [f"| {name} | {what} | {why} |" for name, what, _, why in survivors()]
    return "\n".join(lines) + "\n"
