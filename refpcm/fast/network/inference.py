"""The steps of an inference pass, begun where a network first differs from one whose pass is at hand."""

from refpcm.fast.network.forward import INFERENCE
from refpcm.fast.network.prepare import prepare_inference


def run_steps(context, begin=0, kept=()):
    """Run the steps of the plan from number `begin` on -> logits.

    What earlier steps gave stands in the buffers' values. Buffers go back as soon as they have been read by all, but for
    those of the tensors `kept`.
    """
    plan, buffers = context.plan, context.buffers
    waiting = dict(plan.readers)
    for step in plan.steps[begin:]:
        result = INFERENCE[type(step)](step, context)
        for name in step.reads:
            waiting[name] -= 1
            if waiting[name] == 0 and name not in kept:
                buffers.give(name, buffers.values.pop(name))
    return result


def run_variants(context, variants):
    """Logits of every parameters of `variants`, as `run_steps` gives them one by one; context: of variants[0].

    What a step computes from the very arrays of the first of them, and after such steps only, is taken from its pass.
    """
    plan, buffers, first = context.plan, context.buffers, variants[0]
    context.prepared = prepare_inference(context, plan.steps)
    logits = [run_steps(context, kept=plan.readers)]
    kept = dict(buffers.values)
    for parameters in variants[1:]:
        context.parameters, begin = parameters, first_difference(plan, first, parameters)
        context.prepared = prepare_inference(context, plan.steps[begin:])
        later = {step.result for step in plan.steps[begin:]}
        buffers.values = {name: value for name, value in kept.items() if name not in later}
        logits.append(run_steps(context, begin, set(buffers.values)) if begin < len(plan.steps) else logits[0].copy())
    buffers.values = {}
    for name, value in kept.items():
        buffers.give(name, value)
    return logits


def first_difference(plan, one, other):
    """The number of the first step with a parameter that is not the same array in both; of all steps if there is none."""
    for number, step in enumerate(plan.steps):
        for layer in step.own:
            if any(one[name] is not other[name] for name in one if name.rpartition(".")[0] == layer.name):
                return number
    return len(plan.steps)
