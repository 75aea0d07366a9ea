"""Usual values built in, whatever a case gives: killed by the second value of each parameter (L1 to L3)."""

from dataclasses import replace

from refpcm.golden.reference import chosen
from refpcm.spec.pcm.device import JOSHI2020
from tests.golden.mutants.replacing import changed_inputs, changed_output, parameter, replaced


def built_in(operation, name, value):
    what = f"{name} = {value!r} whatever is given"
    return f"built-in-{operation}-{name}".replace("_", "-"), f"{operation}: {what}", changed_inputs(operation, parameter(name, value))


def _usual_device(*names):
    """joshi2020's own values of these fields, whatever device is asked for."""
    original = chosen.device

    def device(parameters):
        return replace(original(parameters), **{name: getattr(JOSHI2020, name) for name in names})
    return replaced(chosen, "device", device)


def _smoothed_by_a_tenth(inputs, parameters):
    parameters["smoothing"] = 0.1 if parameters["smoothing"] else 0.0


def _stride_of_two_always(inputs, parameters):
    """The other pixels of an image that is not strided are left out and repeated."""
    x = inputs["x"]
    inputs["x"] = x if parameters["stride"] == 2 else x[:, :, ::2, ::2].repeat(2, 2).repeat(2, 3)[:, :, :x.shape[2], :x.shape[3]]


USUAL = [
    ("map_weights", "g_max_us", 25.0), ("unmap_weights", "g_max_us", 25.0), ("unmap_weights", "w_max", 0.5),
    ("collapsed_pair", "g_max_us", 25.0), ("stuck_devices", "stuck_fraction", 0.25), ("gdc_compensated", "alpha", 0.7751937),
    ("adabs_update", "batches", 13), ("weight_noise", "eta", 0.038), ("clipped_weights", "alpha", 2.0),
    ("update_running", "momentum", 0.1), ("sgd_step", "lr", 0.1), ("sgd_step", "momentum", 0.9),
    ("sgd_step", "weight_decay", 5e-4), ("converter_codes", "full_scale", 1.37), ("tile_product", "input_range", 1.5),
    ("tile_product", "output_range", 2.0), ("tile_product", "output_noise", 0.04), ("converter_range", "quantile", 0.99995)]
FIELDS = ("g_max_us", "t0_s", "t_read_s", "programming_us", "nu_mean", "nu_sigma", "read_noise")
MUTANTS = [built_in(*choice) for choice in USUAL] + [
    (f"built-in-device-{name}".replace("_", "-"), f"{name} of joshi2020 for every device", _usual_device(name)) for name in FIELDS] + [
    ("built-in-smoothing", "smoothing of 0.1 wherever there is any", changed_inputs("cross_entropy", _smoothed_by_a_tenth)),
    ("built-in-shortcut-stride", "shortcut with stride 2 always", changed_inputs("pad_shortcut", _stride_of_two_always)),
    ("relu6", "ReLU cut at 6", changed_output("relu", "out", lambda out: out.clip(None, 6))),
    ("factor-at-most-1", "GDC's factor limited to 1", changed_output("gdc_factor", "alpha", lambda alpha: alpha.clip(None, 1))),
    ("readout-signed", "ones: the sum without any absolute value",
     changed_inputs("gdc_readout", lambda inputs, parameters: inputs.update(weights=inputs["weights"].sum(keepdims=True)))),
]
