"""`python -m refpcm.golden regenerate`: the kit computed anew, compared with the stored one by tolerance."""

import numpy as np

from refpcm.cli import versions
from refpcm.golden import reference
from refpcm.golden.case import in_float64
from refpcm.golden.compare import compare
from refpcm.golden.errata import ERRATA
from refpcm.golden.kit_writing import FROZEN, write_kit
from refpcm.golden.levels import LEVELS, all_cases
from refpcm.golden.new_folder import demand_free
from refpcm.golden.pin import find_kit

NEAR = {  # rtol, atol of a regenerated part: S of L1 to L5; at L6 closed forms, at L7 statistics of accuracies
    "scale": (1e-6, 0.0), "mu": (1e-9, 0.0), "sigma": (1e-9, 0.0), "mean": (0.0, 0.01), "variance_of_mean": (0.5, 0.0)}


def regenerate(options):
    """Return 1 if anything differs from the stored kit: options -> exit status.

    Expected values computed anew from the level's code must lie within the stored cases' tolerances; S and
    the texts of a case must be the stored ones, too. Raises RefpcmError for --out with a kit in it.
    """
    if options.out:
        demand_free(options.out, FROZEN)
    kit = find_kit(options.kit)
    levels = LEVELS if options.level is None else options.level
    fresh = all_cases(levels, kit.major)
    if options.out:
        write_kit(options.out, fresh, {name: str(value) for name, value in versions().items()}, kit, kit.major)
    stored = {case.id: case for case in kit.cases if case.level in levels}
    problems = [] if kit.errata == ERRATA[kit.major] else ["the errata are others"]
    problems += [f"{case.id} is not in the stored kit" for case in fresh if case.id not in stored]
    problems += [f"{id} is no longer generated" for id in stored if id not in {case.id for case in fresh}]
    for case in fresh:
        if case.id in stored:
            problems += _differences(case, stored[case.id])
    print("\n".join(problems) if problems else f"{len(fresh)} cases regenerated, all within their tolerances")
    return 1 if problems else 0


def _differences(fresh, stored):
    """What differs, one sentence each."""
    if _signature(fresh) != _signature(stored):
        return [f"{fresh.id}: operation, inputs, parameters or outputs are others, or a tolerance is"]
    ours, kept = fresh.input_arrays(), stored.input_arrays()
    found = [f"{fresh.id}: {what} differs" for (what, text), (_, before) in zip(_texts(fresh), _texts(stored))
             if text != before]
    found += [f"{fresh.id}: input {name} differs" for name in kept
              if not np.allclose(ours[name], kept[name], rtol=1e-6, atol=1e-9)]
    for new, old in zip(fresh.outputs, stored.outputs):
        found += [f"{fresh.id}: {part} of {old.name} differs" for part, expected in old.expected.items()
                  if part in NEAR and not np.allclose(new.expected[part], expected, *NEAR[part])]
    if stored.level in (6, 7):  # what is stored there are parameters of distributions, or means over chips
        return found
    answers = getattr(reference, stored.operation)(in_float64(kept), stored.values())
    for output in stored.outputs:
        verdict = compare(output, np.asarray(answers[output.name]).astype(output.dtype))
        if not verdict.ok:
            found.append(f"{fresh.id}: {output.name} is off by {verdict.error:.3g} at {verdict.index}")
    return found


def _signature(case):
    """What must not change at all: operation, inputs, parameters, and the form and tolerance of the outputs."""
    return (case.operation, [(i.name, i.dtype, i.shape) for i in case.inputs], case.parameters,
            [(o.name, o.dtype, tuple(o.shape), o.tolerance.kind, o.tolerance.value) for o in case.outputs])


def _texts(case):
    """[(what, text)] of a case, the same ones for cases of the same signature."""
    return ([("equation", case.equation), ("interpretation", case.interpretation), ("catches", case.catches)]
            + [(f"unit of {tensor.name}", tensor.unit) for tensor in (*case.inputs, *case.outputs)]
            + [(f"the reason for the tolerance of {o.name}", o.tolerance.why) for o in case.outputs])
