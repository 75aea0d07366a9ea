"""Section of docs/results.md about noise-aware networks with the statistics of the expected chip (I-21)."""

from refpcm.times import time_text
from tests.results.chips import by_time, paired, rows_of
from tests.results.files import RESULTS, command, percent, read, table
from tests.results.runs import NOISE, epochs_of, network_file, runs_in

EXPECTED = "chips-expected.json"  # evaluation with the statistics of the expected chip


def with_expected_statistics():
    """Noise-aware networks after `refpcm.expect`, on the same chips."""
    rows, asked = [], []
    for folder in runs_in("shorter-noise", NOISE):
        if not (RESULTS / folder / EXPECTED).exists():
            continue
        trained, result = by_time(rows_of(folder)), read(f"{folder}/{EXPECTED}")
        digital, protocol = read(f"{folder}/result.json")["accuracy"], result["protocol"]
        name = f"[{epochs_of(folder)}](results/{folder})"
        rows.append([name, "in software", "-", percent(digital), percent(result["digital_accuracy"]),
                     f"{100 * (result['digital_accuracy'] - digital):+.2f}"])
        for key, row in by_time(result["rows"]).items():
            rows.append([name, time_text(row["t_s"]), row["compensation"], percent(trained[key]["mean"]),
                         f"{percent(row['mean'])} +- {50 * (row['high'] - row['low']):.2f}",
                         "{:+.2f} +- {:.2f}".format(*paired(row, trained[key]))])
        times = ",".join(f"{t_s:.0f}s" for t_s in protocol["times_s"])
        asked.append(f"python -m refpcm.expect --network {network_file(folder)} --data cifar10 \\\n"
                     "    --out expected.safetensors\n"
                     "python -m refpcm.evaluate --network expected.safetensors --data cifar10 \\\n"
                     f"    --chips {protocol['chips']} --times {times} "
                     f"--compensation {','.join(protocol['compensations'])}")
    return "\n\n".join([
        "## Noise-aware networks with the statistics of the expected chip",
        "On the chip weights are smaller than those wanted, of which training noise knows nothing; `refpcm.expect` "
        "takes batch norm's statistics from chips that the device model makes for that "
        "([I-21](compensation.md#statistics-of-the-expected-chip-refpcmevaluationexpectedpy-i-21)). It was the accuracy "
        "at 25 s of the first of these networks that prompted the search for such a step, and it was training images "
        "that decided for this one. The same 25 chips and all test images, differences paired by chip. It is a step for "
        "the first read: it costs in software, and later under GDC it has gained nothing. AdaBS is not shown: it "
        "replaces the statistics.",
        command("\n".join(asked)),
        table(["epochs", "time", "compensation", "trained statistics", "of the expected chip", "points"], rows)])
