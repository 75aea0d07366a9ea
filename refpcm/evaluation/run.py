"""Running a protocol and putting its numbers together."""

from concurrent.futures import BrokenExecutor
from dataclasses import asdict
from functools import partial
from queue import SimpleQueue

import numpy as np

from refpcm.errors import RefpcmError
from refpcm.evaluation.elsewhere import portable, work_elsewhere
from refpcm.evaluation.equations import code_identity
from refpcm.evaluation.evidence import summary_of_evidence
from refpcm.evaluation.inputs import load_inputs
from refpcm.evaluation.nested import normalised_accuracy, summarise_shares
from refpcm.evaluation.on_tiles import with_ranges
from refpcm.evaluation.processes import Processes
from refpcm.evaluation.protocol import tasks
from refpcm.evaluation.provenance import provenance
from refpcm.evaluation.saturation import chip_saturation
from refpcm.evaluation.store import Store
from refpcm.evaluation.unit import check_adabs, check_times, fingerprint, recognised
from refpcm.files.devices import find_device
from refpcm.signals import signals_wait
from refpcm.spec.pcm.device_data import device_to_dict


def run(protocol, folder, executor=None, progress=lambda done, total: None, inputs=None,
        range_progress=lambda done, total: None):
    """Evaluate; finished units are kept in `folder` and not run again. Returns the result, ready for JSON.

    inputs: those of the protocol, loaded here if left out.

    executor: any concurrent.futures.Executor; None runs the units here, one after the other. progress(done, total) is
    called after every unit. Where converters need ranges, range_progress(done, total) counts the images that set them,
    before the first unit. The result does not depend on the executor or on what had been stored. Raises RefpcmError
    before the first unit if the data do not allow AdaBS that is asked for.
    """
    inputs = inputs or load_inputs(protocol)
    check_adabs(inputs, protocol)
    check_times(protocol)
    protocol = with_ranges(inputs, protocol, range_progress)
    every, store = tasks(protocol), Store(folder, fingerprint(inputs, protocol))
    return _result(inputs, protocol, run_units(inputs, every, recognised, fingerprint, store, executor, progress))


def run_units(inputs, every, work, fingerprint_of, store, executor=None, progress=lambda done, total: None):
    """Return {task: Counts, that is {part: number of images}} of all tasks; executor and progress as in `run`.

    work(inputs, task) gives {part: number} for task.parts, as Counts where there is evidence, and must be a function of a
    module, so that other processes find it. They load inputs of their own, and refuse the unit where these have another
    fingerprint_of(inputs, protocol) than the store. A task has name, address, parts, only(parts) and protocol.
    Parts that `store` holds are not run again.
    """
    correct, open_tasks = {}, []
    for task in every:
        correct[task] = store.load(task)
        missing = tuple(part for part in task.parts if part not in correct[task])
        if missing:
            open_tasks.append((task, task.only(missing)))
    elsewhere = partial(work_elsewhere, work, fingerprint_of, store.fingerprint)
    done = len(every) - len(open_tasks)
    progress(done, len(every))
    for task, found in _results(open_tasks, partial(work, inputs), elsewhere, executor):
        correct[task].add(found)
        store.save(task, correct[task])
        done += 1
        progress(done, len(every))
    return correct


def _results(open_tasks, work_here, work_there, executor):
    """(task, what its work gave), in any order. Raises RefpcmError if a process of the executor ends before its time."""
    if executor is None:
        yield from ((task, work_here(part)) for task, part in open_tasks)
        return
    futures, done = {}, SimpleQueue()
    try:
        for task, part in open_tasks:
            with signals_wait():  # which may not leave a process half started, or a lock held
                future = executor.submit(work_there, portable(part))
                futures[future] = task
                future.add_done_callback(done.put)
        while futures:
            future = done.get()
            yield futures.pop(future), future.result()
    except BrokenExecutor:
        raise RefpcmError("a process that evaluates was ended from outside, perhaps for lack of memory (choose fewer workers), "
                          'or the script that started it has no `if __name__ == "__main__":`; what is done is kept, the '
                          "same command goes on") from None
    finally:
        if not isinstance(executor, Processes):  # which end with their context, and stumble over what is cancelled
            for future in futures:
                future.cancel()


def _result(inputs, protocol, correct):
    images, classes = inputs.image_count(protocol.images), inputs.file.network.classes
    digital = inputs.count_correct(inputs.file.parameters, protocol.images) / images
    rows = []
    for number, t_s in enumerate(protocol.times_s):
        for name in protocol.compensations:
            counts = np.array([found[name] for found in correct.values()])  # in the order of `tasks`
            values = counts.reshape(protocol.chips, len(protocol.times_s), protocol.reads)[:, number] / images
            summary = summarise_shares(values)
            rows.append({"t_s": t_s, "compensation": name, **asdict(summary),
                         "normalised": normalised_accuracy(summary.mean, digital, classes),
                         "accuracies": values.tolist()})
    result = {"digital_accuracy": digital, "test_images": images, "data": inputs.data.name,
              "architecture": inputs.file.network.architecture, "protocol": asdict(protocol),
              "device": device_to_dict(find_device(protocol.device)),
              "fingerprint": fingerprint(inputs, protocol), "rows": rows,
              "evidence": summary_of_evidence(correct.values()),
              "sha256": provenance(protocol.network, inputs.file.notes, inputs.data), "code": code_identity(protocol)}
    if protocol.dac_bits is not None or protocol.adc_bits is not None:
        result["saturation"] = chip_saturation(inputs, protocol)
    return result
