"""What a reproduction works on: scale, data, given networks, output folder; and that a folder holds only one such."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from refpcm.datasets.imagenet import is_index
from refpcm.errors import RefpcmError
from refpcm.files.atomic import write_bytes
from refpcm.files.devices import find_device
from refpcm.files.reading import read_json, sha256_of
from refpcm.reproduction.drawing import SIZES
from refpcm.reproduction.scales import Scale
from refpcm.reproduction.variants import FP32, NOISE
from refpcm.spec.compensation.adabs import calibration_images, usual_size
from refpcm.spec.pcm.device_data import device_to_dict

FILE = "settings.json"
PUT_TOGETHER = ("networks", "evaluation")  # folders that may be copied into a new one (docs/reproduce.md, several machines)


@dataclass(frozen=True)
class Setting:
    """name: of the scale; data: folder, or None (built in); given: {variant: network files}, not to be trained."""
    out: Path
    name: str
    scale: Scale
    data: str | None
    given: dict

    @property
    def units(self):
        return self.out / "evaluation"


def with_architecture_of_given(setting):
    """Return the setting with the given networks' architecture in its trainings.

    Raises RefpcmError if they differ, if one says that it was trained otherwise than its option means, or if one stands
    for two trainings.
    """
    from refpcm.files.network_file import load_network
    found = {path: load_network(path) for paths in setting.given.values() for path in paths}
    for variant, paths in setting.given.items():
        for path in paths:
            _check_noise(variant, path, found[path].notes.get("config"), setting.scale.retraining)
        digests = [sha256_of(path) for path in paths]
        if len(set(digests)) < len(digests):
            raise RefpcmError(f"--{variant} names the same network twice; give one file for each training run")
    architectures = sorted({file.network.architecture for file in found.values()})
    if len(architectures) > 1:
        raise RefpcmError(f"the given networks are of different architectures, {' and '.join(architectures)}; "
                          "give networks of one")
    if not found:
        return setting
    scale = replace(setting.scale, **{name: replace(getattr(setting.scale, name), architecture=architectures[0])
                                      for name in ("fp32", "retraining")})
    return replace(setting, scale=scale)


def _check_noise(variant, path, config, retraining):
    """Raises RefpcmError if config, that of the training of `path` by its notes, is one of other noise than variant's.

    None: trained elsewhere.
    """
    noise = {name: getattr(retraining, name) for name in ("weight_noise", "noise_kind", "weight_precision")}
    wanted = {FP32: {"weight_noise": 0.0, "weight_precision": "float"}, NOISE: noise}[variant]
    for name, value in wanted.items() if isinstance(config, dict) else ():
        if config.get(name, value) != value:
            other = variant == NOISE and name == "weight_noise"
            raise RefpcmError(f"--{variant} {path} was trained with {name} = {config[name]!r}, where {value!r} is "
                              "wanted; give one trained so"
                              + (", or name this strength under retraining in --config" if other else ""))


def with_usual_adabs(setting):
    """Return the setting with AdaBS's numbers for its data where its scale names none."""
    numbers = {name: getattr(setting.scale, name) or usual
               for name, usual in zip(("adabs_batches", "adabs_batch_size"), usual_size(is_index(setting.data)))}
    return replace(setting, scale=replace(setting.scale, **numbers))


def check_calibration(setting, dataset, fields=()):
    """Raises RefpcmError if the data do not have the images that AdaBS is to see.

    fields: of Scale, with more numbers of mini-batches.
    """
    scale = setting.scale
    for batches in (scale.adabs_batches, *(number for field in fields for number in getattr(scale, field))):
        calibration_images(0, 0, 0, len(dataset.train_images), batches, scale.adabs_batch_size)


def begin_or_continue(setting, identity):
    """Make the output folder, which exists, this setting's, or go on in it; identity: SHA-256 of the data.

    A folder of an earlier version, whose scale or trainings lack fields of today's, is gone on with: what fields of the
    scale change is kept in networks and units of other names, and a network says by itself how it was trained. Raises
    RefpcmError if the folder holds another setting's results, naming what differs, or anything else.
    """
    scale = json.loads(json.dumps(asdict(setting.scale)))
    given = {variant: [sha256_of(path) for path in paths] for variant, paths in setting.given.items()}
    devices = {field: _numbers_of(getattr(setting.scale, field)) for field in ("device", "transfer_device")}
    wanted = {"scale": scale, "data identity": identity, "given networks": given, "devices": devices}
    path = setting.out / FILE
    text = (json.dumps(wanted, indent=1) + "\n").encode()
    if not path.exists():
        for other in sorted(setting.out.iterdir()):
            if not (other.name in PUT_TOGETHER or other.name.startswith(".") or _may_be_config(other)):
                raise RefpcmError(f"{setting.out} holds {other.name} and no {FILE}, so it is the folder of something else; "
                                  "choose another --out")
        write_bytes(path, text)
        return
    try:
        found = read_json(path)
        differing = [name for name in scale if _with_todays_fields(found["scale"], scale)[name] != scale[name]]
        differing += [name for name in ("data identity", "given networks") if found[name] != wanted[name]]
        known = _with_todays_fields(found.get("devices", {}), devices)
        differing += [f"{field}, its numbers" for field in devices if known[field] != devices[field]]
    except (RefpcmError, KeyError, TypeError, AttributeError) as error:
        raise RefpcmError(f"{path} cannot be read ({error}); choose another --out") from None
    if differing:
        raise RefpcmError(f"{setting.out} was begun with other settings ({', '.join(differing)}); "
                          "give those again, or choose another --out")
    if found != wanted:
        write_bytes(path, text)


def _may_be_config(path):
    """Whether a file may be that of --config, which may lie in the output folder, and not what a figure left."""
    return path.suffix == ".toml" or path.suffix == ".json" and path.stem not in SIZES


def _numbers_of(device):
    """Return what counts of a device, whose file may have been edited, as JSON has it."""
    numbers = json.loads(json.dumps(device_to_dict(find_device(device))))
    return {name: value for name, value in numbers.items() if name not in ("name", "source")}


def _with_todays_fields(found, today):
    """Return the table `found` with the values of `today` for fields that an earlier version had not, also within its tables."""
    return {**today, **{name: _with_todays_fields(value, today[name]) if isinstance(today.get(name), dict) else value
                        for name, value in found.items()}}
