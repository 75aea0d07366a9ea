"""Weights of one layer of ResNet-32 after three trainings, next to the error that a chip adds."""

import numpy as np

import refpcm
from docs.course.drawings.canvas import BLUE, INK, RED, panels

LAYER, ETA = "layer2.2.conv1", 0.038
NETWORKS = {"without noise or clipping": "joshi2020-resnet32", "clipping alone": "control/10",
            "clipping and noise": "joshi2020-resnet32-noise"}


def figure():
    """Return the drawing."""
    drawing, axes = panels(3, 3.2, sharey=True)
    for place, (title, folder) in zip(axes, NETWORKS.items()):
        file = refpcm.load_network(f"docs/results/{folder}/network.safetensors")
        weights = refpcm.to_matrices(file.network, file.parameters)[LAYER].ravel()
        relative = weights / np.abs(weights).max()
        shares = np.full(weights.size, 100 / weights.size)
        place.hist(relative, np.linspace(-1, 1, 41), weights=shares, color=BLUE)
        place.set(title=title, xlabel="$W\\,/\\,W_{max}$", xlim=(-1.05, 1.05))
        place.title.set_fontsize(10)
        spread = np.sqrt(np.mean(relative ** 2))
        place.text(-1.0, 21, f"rms {spread:.2f}\nnoise {ETA} is\n{100 * ETA / spread:.0f} % of it", fontsize=9, color=INK,
                   va="top")
        place.plot([-ETA, ETA], [-0.45, -0.45], color=RED, linewidth=4, clip_on=False, solid_capstyle="butt")
    axes[0].set_ylabel(f"share of the weights of\n{LAYER}, %")
    axes[0].set_ylim(0, 22)
    axes[2].text(1.0, 21, "red bar:\n± noise", fontsize=9, color=RED, va="top", ha="right")
    return drawing
