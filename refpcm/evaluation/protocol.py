"""The protocol: chips x reads x times x compensations, cut into units of work.

A unit is one read of one chip at one time with all compensations asked for. It depends on nothing but its Task, which
is plain data: any `concurrent.futures.Executor` can run units, in this process, in others or on other machines that
see the same files.
"""

from dataclasses import dataclass, replace
from numbers import Integral

from refpcm.datasets.imagenet import is_index
from refpcm.errors import RefpcmError
from refpcm.evaluation.compensations import COMPENSATIONS
from refpcm.spec.compensation.adabs import usual_size
from refpcm.spec.compensation.global_drift import READOUTS, REFERENCES
from refpcm.spec.pcm.converters import Converter
from refpcm.spec.pcm.tile import Tiles

RESULTS_VERSION = 2  # raised whenever a change of the code changes numbers, so that stored units are not used again
READ_NOISE = ("frozen", "per_batch", "per_product")
CALIBRATION = ("train-augmented", "train", "test")
MOST_UNITS = 1_000_000  # beyond lies a slip of the keyboard rather than an experiment
MOST_SHOWN = 200  # characters of a wrong value


@dataclass(frozen=True)
class Protocol:
    """What to evaluate, with the images and labels of the test split.

    network: path of a network file; data: prepared folder, ImageNet index, or None for the built-in set; device: name
    or TOML file.
    calibration: which views of images AdaBS has (I-11): "train-augmented", training images as the network's training
    showed them, or as `augmentation` says ("crop 4, flip, cutout 8"; None: the training's, of a network from elsewhere the
    usual one of its data); "train", training images as they are; or, for data without training images, "test". Then the
    statistics, and the ranges of converters, have seen the test images, and accuracies with them are no longer a test's.
    adabs_batches, adabs_batch_size: n and m of AdaBS; None: the paper's, 13 of 200, for an ImageNet index 26 of 50.
    readout, per_column, gdc_reference: of GDC, see `refpcm.spec.compensation.global_drift.Readout` (I-10, I-24).
    images: only the first so many test images; None = all.
    read_noise (I-9): "frozen" while the data set is evaluated, or drawn afresh "per_batch" of 256 images or
    "per_product" of a vector with a layer's matrix. GDC then divides mean readouts (refpcm/spec/pcm/product_noise.py).
    dac_bits, adc_bits (None = ideal), tile_rows, tile_columns (None = no limit), output_noise: as in refpcm.spec.pcm.tile.
    With ideal converters and no noise on products the effective weights go through the digital network.
    range_images: training images, with calibration "test" test images, that set the converters' ranges; range_network: path
    of the network whose activations do (I-29), None: the one that is evaluated; ranges: (layer name, of inputs, of outputs)
    once `run` has found them.
    """
    network: str
    data: str | None = None
    device: str = "joshi2020"
    seed: int = 0
    chips: int = 25
    reads: int = 1
    times_s: tuple = (25.0, 3600.0, 86400.0, 2592000.0, 31536000.0)
    compensations: tuple = ("none", "gdc", "adabs")
    on_chip: str = "all"
    readout: str = "columns"
    per_column: bool = False
    adabs_batches: int | None = None
    adabs_batch_size: int | None = None
    images: int | None = None
    kernels: str = "winograd"
    read_noise: str = "frozen"
    dac_bits: int | None = None
    adc_bits: int | None = None
    tile_rows: int | None = None
    tile_columns: int | None = None
    output_noise: float = 0.0
    calibration: str = "train-augmented"
    augmentation: str | None = None
    range_images: int = 10_000
    range_network: str | None = None
    ranges: tuple = ()
    gdc_reference: str = "first-read"

    def __post_init__(self):
        for field in ("times_s", "compensations"):
            object.__setattr__(self, field, tuple(getattr(self, field)))  # lists have no hash
        for field, usual in zip(("adabs_batches", "adabs_batch_size"), usual_size(is_index(self.data))):
            if getattr(self, field) is None:
                object.__setattr__(self, field, usual)  # so that results name the numbers
        _demand(isinstance(self.device, str), "device", self.device, "a name or a TOML file")
        for field in ("chips", "reads", "adabs_batches", "adabs_batch_size", "range_images", "images"):
            value = getattr(self, field)
            if value is not None or field != "images":
                _demand(isinstance(value, Integral) and not isinstance(value, bool), field, value, "a whole number")
                _demand(value >= 1, field, value, "at least 1")
        for field, known, values in (("readout", READOUTS, (self.readout,)),
                                     ("gdc_reference", REFERENCES, (self.gdc_reference,)),
                                     ("calibration", CALIBRATION, (self.calibration,)),
                                     ("read_noise", READ_NOISE, (self.read_noise,)),
                                     ("compensations", COMPENSATIONS, self.compensations)):
            for value in values:
                _demand(value in known, field, value, " or ".join(known))
        self.tiles()
        for field in ("times_s", "compensations"):
            values = getattr(self, field)
            _demand(values and len(set(values)) == len(values), field, values, "one or more, none twice")
        units = self.chips * self.reads * len(self.times_s)
        _demand(units <= MOST_UNITS, "chips x reads x times", units, f"at most {MOST_UNITS}")

    def tiles(self):
        """The Tiles asked for. Raises RefpcmError for impossible ones."""
        return Tiles(self.tile_rows, self.tile_columns, Converter(self.dac_bits), Converter(self.adc_bits),
                     self.output_noise)

    def frozen(self):
        """The same with one read for the whole test set."""
        return replace(self, read_noise="frozen")

    def needs_ranges(self):
        """Whether the converters' ranges matter."""
        return self.dac_bits is not None or self.adc_bits is not None or self.output_noise > 0

    def needs_tiles(self):
        """Whether anything but the effective weights matters."""
        return self.needs_ranges() or self.read_noise == "per_product"


def check_used(protocol):
    """Raises RefpcmError for a choice that was made and that the other choices leave without effect."""
    if protocol.augmentation is not None and protocol.calibration != "train-augmented":
        raise RefpcmError(f"evaluation: augmentation has no effect with calibration {protocol.calibration}, whose images are as "
                          "they are; leave one of them out")
    if protocol.range_network is not None and not protocol.needs_ranges():
        raise RefpcmError("evaluation: range_network has no effect without converters or output noise; leave it out, or give "
                          "dac_bits, adc_bits or output_noise")


def _demand(ok, field, value, wanted):
    if not ok:
        raise RefpcmError(f"evaluation: {field} must be {wanted}, not {repr(value)[:MOST_SHOWN]}")


@dataclass(frozen=True)
class Task:
    """One unit: the protocol it belongs to, and which chip, time, read and compensations."""
    protocol: Protocol
    chip: int
    t_s: float
    draw: int
    compensations: tuple

    @property
    def name(self):
        """Of the file that keeps the result."""
        return f"chip{self.chip}-t{self.t_s:.17g}-read{self.draw}"

    @property
    def address(self):
        """What the file says about which unit it is."""
        return {"chip": self.chip, "t_s": self.t_s, "read": self.draw}

    @property
    def parts(self):
        """What run_task counts for; kept one by one."""
        return self.compensations

    def only(self, parts):
        """The same unit with some of its parts."""
        return replace(self, compensations=parts)


def tasks(protocol):
    """All units, in the order in which they are best run: one chip after the other."""
    return [Task(protocol, chip, float(t_s), draw, protocol.compensations) for chip in range(protocol.chips)
            for t_s in protocol.times_s for draw in range(protocol.reads)]
