"""L8 chip: a small network all the way from its weights to its logits on a chip, every tensor in the order of the signal.

The random numbers are those of chip CHIP of a seed, as `refpcm.spec.pcm.chip.program` and `read` would draw them.
"""

import numpy as np

from refpcm.golden.build import case, exact, rounded
from refpcm.golden.case import in_float64, stored
from refpcm.golden.levels.second_values import CONSTANTS
from refpcm.golden.reference import chip as chips
from refpcm.golden.reference import chosen
from refpcm.golden.small_network import IDENTITY, NAME, network_named
from refpcm.spec import random
from refpcm.spec.crossbars import to_matrices
from refpcm.spec.layers import BatchNorm, parameter_shapes
from refpcm.spec.network_on_tiles import analog_forward, calibrate_ranges
from refpcm.spec.pcm import programming, read_noise
from refpcm.spec.pcm.chip import read_start
from refpcm.spec.pcm.converters import Converter
from refpcm.spec.pcm.tile import Tiles

CHIP, IMAGES, BATCHES, BATCH = 3, 2, 3, 3
AWAY = 6e-5  # steps from the nearest tie that every conversion keeps, so that float32 gives the same codes
EQUATION = ("weights -> matrices -> targets -> programmed, stuck -> nu; each read: drift -> read noise -> weights -> readout; "
            "alpha = readout / readout of read 0; tiles: ADC sums / alpha; then AdaBS on the calibration batches, from the "
            "trained statistics at every read, with GDC beneath")
DAY = 86400.0
CASES = {  # id: parameters, interpretation, mistake
    "layer": (
        {"device": "joshi2020", "reset_device": "programmed", "read_noise_from": "target", "stuck_fraction": 0.05,
         "t_0_s": 25.0, "t_1_s": 3600.0, "t_2_s": DAY, "on_chip": "all", "gdc": "layer", "readout": "columns",
         "tile_rows": 16, "dac_bits": 8, "adc_bits": 8},
        "I-5 programmed, I-6, I-7 target, I-10 columns",
        "alpha averaged over layers; GDC's reference from programmed or target conductances; noise redrawn at a read; a layer "
        "or the bias row left digital; AdaBS continued from the read before"),
    "column": (
        {**CONSTANTS, "reset_device": "zero", "read_noise_from": "programmed", "stuck_fraction": 0.0,
         "t_0_s": 300.0, "t_1_s": 7200.0, "t_2_s": 30 * DAY, "on_chip": "all", "gdc": "column", "readout": "columns",
         "tile_rows": 10, "dac_bits": 6, "adc_bits": 7},
        "I-5 zero, I-7 programmed, I-10 columns",
        "one alpha for all columns; W_max per column; constants of the device, tile size or bits built in"),
    "inner": (
        {"device": "joshi2020", "reset_device": "programmed", "read_noise_from": "target", "stuck_fraction": 0.0,
         "t_0_s": 25.0, "t_1_s": DAY, "t_2_s": 31536000.0, "on_chip": "inner", "gdc": "layer", "readout": "ones",
         "tile_rows": 24, "dac_bits": 8, "adc_bits": 8},
        "I-5 programmed, I-7 target, I-10 ones",
        "first or last layer on the chip, the 1 x 1 shortcut not"),
    "sparse": (
        {"device": "hermes-1", "reset_device": "zero", "read_noise_from": "programmed", "stuck_fraction": 0.05,
         "t_0_s": 600.0, "t_1_s": 5 * DAY, "t_2_s": 4e9, "on_chip": "all", "gdc": "column", "readout": "one_hot",
         "tile_rows": 5, "dac_bits": 7, "adc_bits": 6},
        "I-5 zero, I-6, I-7 programmed, I-10 one_hot",
        "reset after the stuck devices; a pair of two idle devices; one input range for both readers of relu1, or relu1 "
        "replaced by its codes; the smaller row parts first; the bias row's 1 not converted; the device's curves cut to "
        "one piece"),
    "identity": (
        {"architecture": IDENTITY, "device": "joshi2020", "reset_device": "programmed", "read_noise_from": "target",
         "stuck_fraction": 0.0, "t_0_s": 25.0, "t_1_s": 3600.0, "t_2_s": 3600.0, "on_chip": "all", "gdc": "layer",
         "readout": "columns", "tile_rows": 12, "dac_bits": 8, "adc_bits": 8},
        "I-5 programmed, I-7 target, I-10 columns",
        "an identity shortcut overwritten or converted on the way; a second read at the same time taken for the first; ranges "
        "in the order of the layers' names")}
OF_2_1 = ("sparse", "identity")
SPARSE = "sparse"  # weights of exactly 0, and ranges that no calibration gives
UNITS = {"t_0_s": "s", "t_1_s": "s", "t_2_s": "s", "g_max_us": "uS", "t0_s": "s", "t_read_s": "s"}
OWN = {"z_prog": random.Purpose.PROGRAMMING, "z_nu": random.Purpose.DRIFT_EXPONENT,
       "u_selection": random.Purpose.STUCK_SELECTION, "u_conductance": random.Purpose.STUCK_CONDUCTANCE}


def cases():
    """8 cases: a factor a layer, one a column, and first and last layer digital, in float64 and float32; the two of kit 2.1."""
    return [_case(800 + 100 * number, name, dtype, *choice) for number, (name, choice) in enumerate(CASES.items())
            for dtype in (("float64",) if name in OF_2_1 else ("float64", "float32"))]  # keeps the kit below 8 MB


def _case(first_seed, name, dtype, parameters, interpretation, catches):
    inputs, parameters = chosen_inputs(first_seed, parameters, name == SPARSE)
    inputs = [i if np.issubdtype(i.content.dtype, np.integer) else stored(i.name, i.content.astype(dtype), i.unit)
              for i in inputs]
    scales = output_scales({i.name: i.content for i in inputs}, parameters)
    outputs = {name: exact("int32") if name.startswith("codes") else rounded(scale, _unit(name), dtype, 32.0, WHY)
               for name, scale in scales.items()}
    parameters = {name: (value, UNITS.get(name, "1")) for name, value in parameters.items()}
    return case(f"L8-{name}-{dtype[5:]}", "chip_inference", EQUATION, catches, inputs, outputs, parameters, interpretation)


WHY = ("32 u S: S of a device equation is that of its stage with what came in; behind the converters, the largest magnitude "
       "of the tensor")


def _unit(name):
    return "uS" if "_us" in name else "1"


def chosen_inputs(first_seed, parameters, sparse=False):
    """Return the inputs in float32's numbers, and the parameters with ranges, of the first seed without a tie near by."""
    for seed in range(first_seed, first_seed + 100):
        inputs, found = _inputs(seed, parameters, sparse)
        if _clear({i.name: i.content.astype(np.float64) for i in inputs}, found):
            return inputs, found
    raise ValueError(f"no seed from {first_seed} on keeps all conversions away from ties")


def _normals(seed, number, shape, scale=1.0, offset=0.0):
    z = random.normals(seed, 0, random.Purpose.INITIALISATION, number, 0, 0, int(np.prod(shape)))
    return (offset + scale * z).reshape(shape).astype(np.float32)


def _inputs(seed, parameters, sparse):
    """Return (inputs, parameters with the ranges of the converters): all numbers are float32's."""
    net = network_named(parameters.get("architecture", NAME))
    weights = {}
    for number, (name, shape) in enumerate(parameter_shapes(net).items()):
        part = name.rpartition(".")[2]
        offset = {"weight": 1.0 if len(shape) == 1 else 0.0, "running_var": 1.0}.get(part, 0.0)
        weights[name] = _normals(seed, number, shape, 0.3 if len(shape) > 1 else 0.15, offset)
    last = net.layers[-1].name
    weights[f"{last}.bias"][3] = -1.5 * np.abs(weights[f"{last}.weight"]).max()  # the largest of its layer, and negative
    if sparse:
        for each in weights.values():
            if each.ndim > 1:
                each.reshape(-1)[::4] = 0
    images = _normals(seed, 100, (IMAGES, *net.input_shape))
    calibration = _normals(seed, 101, (BATCHES, BATCH, *net.input_shape), 1.2, 0.1)
    arrays = {"images": images, "calibration": calibration, **weights}
    inputs = [stored(name, array) for name, array in arrays.items()]
    numbers = {name: n for n, name in enumerate(to_matrices(net, weights))}
    for name, matrix in to_matrices(net, weights, parameters["on_chip"]).items():
        shape, address = (2, *matrix.shape), (seed, CHIP)
        count = int(np.prod(shape))
        for kind, purpose in OWN.items():
            draw = random.normals if kind.startswith("z") else random.uniforms
            inputs.append(stored(f"{kind}.{name}", _drawn(draw(*address, purpose, numbers[name], 0, 0, count), shape),
                                 "standard normal" if kind.startswith("z") else "uniform on (0, 1)"))
        for read in range(chips.READS):
            t_s = parameters[f"t_{read}_s"]
            draw = [parameters[f"t_{before}_s"] for before in range(read)].count(t_s)
            z = random.normals(*address, random.Purpose.READ_NOISE, numbers[name], draw, int(read_start(t_s)), count)
            inputs.append(stored(f"z_read.{read}.{name}", _drawn(z, shape), "standard normal"))
    ranges = calibrate_ranges(net, weights, parameters["on_chip"], [images], IMAGES,
                              Tiles(parameters["tile_rows"], None, Converter(8), Converter(8)), 0.99)
    found = {"architecture": NAME, **parameters, "classes": net.classes}
    for name, each in ranges.items():
        found[f"input_range.{name}"], found[f"output_range.{name}"] = round(each.inputs, 3), round(each.outputs, 3)
    if sparse:
        found.update({"input_range.down": round(0.6 * found["input_range.conv2"], 3), "input_range.fc": 1.37})
    return inputs, found


def _drawn(numbers, shape):
    return numbers.reshape(shape).astype(np.float32)


def _clear(inputs, parameters):
    """Return whether every conversion of every pass stays AWAY from a tie."""
    net, weights = chosen.network(inputs, parameters)
    norms = [layer.name for layer in net.layers if isinstance(layer, BatchNorm)]
    out = chips.chip_inference(inputs, parameters)
    for read in (1, 2):
        read_weights, alpha = ({name: out[f"{stage}.{read}.{name}"] for name in to_matrices(net, weights, parameters["on_chip"])}
                               for stage in ("weights", "alpha"))
        analog = chips.on_tiles(parameters, read_weights, {}, alpha)
        analog.w_max.update(dict.fromkeys(read_weights, 1.0))
        adapted = {**weights, **{f"{norm}.{part}": out[f"{part}.{read}.{norm}"] for norm in norms
                                 for part in ("running_mean", "running_var")}}
        passes = [(weights, inputs["images"], False), (adapted, inputs["images"], False)]
        for used, images, training in passes + [(weights, batch, True) for batch in inputs["calibration"]]:
            tape = analog_forward(net, used, analog, images, training=training)
            for name, converted in chips.conversions(net, analog, tape.values).items():
                both = (analog.tiles.dac, analog.ranges[name].inputs), (analog.tiles.adc, analog.ranges[name].outputs)
                for values, (converter, full_scale) in zip(converted, both):
                    steps = values / full_scale * converter.levels
                    steps = steps[np.abs(steps) < converter.levels]
                    if (np.abs(steps - np.floor(steps) - 0.5) < AWAY).any():
                        return False
    return True


def output_scales(inputs, parameters):
    """Return {output name: S}, in the order of the signal: what the rounding errors of a tensor are measured in."""
    inputs = in_float64(inputs)
    out, device = chips.chip_inference(inputs, parameters), chosen.device(parameters)
    scales = {name: np.abs(value).max() for name, value in out.items()}
    for name in [name[7:] for name in out if name.startswith("matrix.")]:
        target, nu = out[f"g_target_us.{name}"], out[f"nu.{name}"]
        sigma = programming.programming_sigma_us(target, device)
        programmed = np.maximum(target + sigma * np.abs(inputs[f"z_prog.{name}"]), out[f"g_prog_us.{name}"])
        scales[f"g_prog_us.{name}"] = programmed
        scales[f"nu.{name}"] = nu_scale = 0.1 + 0.1 * np.abs(inputs[f"z_nu.{name}"])
        q_s = read_noise.relative_read_noise(target if parameters["read_noise_from"] == "target" else out[f"g_prog_us.{name}"],
                                             device)
        for read in range(chips.READS):
            t_s = parameters[f"t_{read}_s"]
            decay = np.exp(-nu * np.log(t_s / device.t0_s))
            drifted = programmed * decay * (1 + (nu + nu_scale) * np.log(t_s / device.t0_s))
            growth = read_noise.accumulation(t_s, device)
            noisy = drifted * (1 + q_s * growth * np.abs(inputs[f"z_read.{read}.{name}"]))
            weights = noisy.sum(0) * np.abs(out[f"matrix.{name}"]).max() / device.g_max_us
            scales[f"g_drift_us.{read}.{name}"], scales[f"g_us.{read}.{name}"] = drifted, noisy
            scales[f"weights.{read}.{name}"] = weights
            columns = {"columns": noisy.sum((0, 1)), "ones": weights.sum(0), "one_hot": weights.mean(0)}[parameters["readout"]]
            scales[f"readout.{read}.{name}"] = readout = columns if parameters["gdc"] == "column" else columns.sum()
            if read:
                alpha = out[f"alpha.{read}.{name}"]
                relative = (readout / np.abs(out[f"readout.{read}.{name}"])
                            + scales[f"readout.0.{name}"] / np.abs(out[f"readout.0.{name}"]))
                scales[f"alpha.{read}.{name}"] = alpha * relative
                scales[f"compensated.{read}.{name}"] = weights / alpha * (1 + relative)
    return {name: scales[name] for name in out}
