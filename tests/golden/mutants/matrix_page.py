"""Which case kills which mutant: asking the cases, and the matrix as a page (docs/golden-mutants.md)."""

from refpcm.golden import reference, runner
from tests.golden.mutants.catalogue import mutants
from tests.golden.mutants.replacing import in_place

FAST = (0, 1, 2, 3, 5, 6, 8)  # levels that the matrix asks
OF_A_THEME = {"samples": (6,), "chip": (8,)}  # first word of a name: the levels it is asked; the others all but L6


def killing_cases(replacements, cases):
    """Yields the ids of the cases that fail with the replacements in place, until the caller has seen enough."""
    with in_place(replacements):
        ask = runner.adapter_asker(reference.__name__)
        yield from (case.id for case in cases if runner.run_case(case, ask)[0] == "failed")


def levels_of(name):
    """Return the levels that a mutant of this name is asked."""
    return OF_A_THEME.get(name.split("-")[0], (0, 1, 2, 3, 5, 8))


def matrix(cases):
    """[(name, what is wrong, {level: ids of killing cases})] of the mutants against cases of the levels FAST.

    Mutants of the samples are asked L6 alone, those of the chip L8 alone, the others the rest; one without a case to
    ask has no row.
    """
    rows = []
    for name, what, replacements in mutants():
        levels = levels_of(name)
        asked = [case for case in cases if case.level in levels]
        if not asked:
            continue
        killed = list(killing_cases(replacements, asked))
        rows.append((name, what, {level: [id for id in killed if id[1] == str(level)] for level in FAST}))
    return rows


def matrix_text(rows):
    """The matrix as a Markdown page."""
    killed = sum(any(kills.values()) for _, _, kills in rows)
    lines = ["# Mutants: mistakes the golden kit finds", "",
             f"{len(rows)} deliberate mistakes, {killed} found. A number is how many cases of a level fail; "
             "L4 and L7 are not asked here.",
             "Made by `python -m tests.golden.mutants --markdown docs/golden-mutants.md`.", "",
             "| mutant | mistake | " + " | ".join(f"L{level}" for level in FAST) + " | first case |",
             "|---|---|" + "--:|" * len(FAST) + "---|"]
    for name, what, kills in rows:
        first = next((ids[0] for ids in kills.values() if ids), "**survived**")
        what = what.replace("|", "\\|")
        counts = " | ".join(str(len(kills[level]) or "") for level in FAST)
        lines.append(f"| {name} | {what} | {counts} | {first} |")
    return "\n".join(lines) + "\n"
