"""The network that a run ends in: averaged, if that was asked for, and quantised."""

from refpcm.forms import find_forms
from refpcm.spec.nn.batch_norm import mean_statistics
from refpcm.spec.training.quantisation import quantised_parameters
from refpcm.spec.training.step import noisy_forward
from refpcm.training.loop import batch_numbers, epoch_order, steps_per_epoch
from refpcm.training.sources import image_source


def outcome(state, engine, dataset):
    """Parameters of the network if the run ended after this step; dataset: of the run's training images.

    The last weights, or the mean of those averaged so far (refpcm.spec.training.averaging) with batch norm's statistics
    taken anew, since those of the steps belong to other weights; frozen ones belong to all. Both quantised as
    `weight_precision` says.
    """
    precision = state.config.weight_precision
    if not state.average:
        return quantised_parameters(engine.network, state.parameters, precision)
    averaged = {name: mean.astype(state.parameters[name].dtype) for name, mean in state.average.items()}
    parameters = quantised_parameters(engine.network, {**state.parameters, **averaged}, precision)
    if state.config.batch_norm == "frozen":
        return parameters
    return {**parameters, **training_statistics(state, engine, parameters, image_source(state.config, dataset))}


def training_statistics(state, engine, parameters, source):
    """{running statistic: (C,)} of batch norm: the mean over the latest epoch's batches, images and noise as then."""
    config, per_epoch = state.config, steps_per_epoch(state.config, len(source))
    epoch = (state.step - 1) // per_epoch
    order = epoch_order(config, epoch, len(source))

    def statistics():
        for within in range(per_epoch):
            images = source.batch(batch_numbers(order, config.batch_size, within), epoch,
                                  batch_numbers(order, config.batch_size, within + 1))
            for _ in noisy_forward(config, engine, parameters, images, epoch * per_epoch + within,
                                   find_forms(config.kernels).rules):
                yield engine.statistics
    return {name: mean.astype(parameters[name].dtype) for name, mean in mean_statistics(statistics()).items()}
