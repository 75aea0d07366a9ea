"""Timing of contenders that take turns, so that whatever else the machine does meets all of them alike."""

import statistics


def medians(contenders, runs, clock):
    """Return {name: seconds}, the median of `runs` calls each, the contenders taking turns after one unmeasured call."""
    times = {name: [] for name in contenders}
    for call in contenders.values():
        call()
    for _ in range(runs):
        for name, call in contenders.items():
            start = clock()
            call()
            times[name].append(clock() - start)
    return {name: statistics.median(values) for name, values in times.items()}


def show(title, rows, images=None):
    """Print {name: seconds} and what "refpcm" gains over each of the others."""
    print(f"\n{title}")
    for name, seconds in rows.items():
        rate = f"{images / seconds:10,.0f} images/s" if images else ""
        gain = "" if name.startswith("refpcm") else f"   refpcm is {seconds / rows['refpcm']:.2f} times as fast"
        print(f"  {name:28s}{seconds * 1e3:10.2f} ms{rate}{gain}")
