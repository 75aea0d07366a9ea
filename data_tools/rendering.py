"""Images of the synthetic set from their random numbers: no draw happens here.

n images, 32 x 32 pixels, 3 channels; intensities 0 .. 1 in float32 until the last step. As in `figures`, only
operations that IEEE 754 fixes to the last bit are used, and no sum over pixels (whose order may vary).
"""

import numpy as np

from data_tools.figures import FIGURES, distance

SIZE = 32
UNIFORM_WORDS = 96  # uniforms an image may use
NOISE_WORDS = 2 * 3 * SIZE * SIZE // 8  # two bytes a value
MOST_TURN = 0.27  # tan(15 degrees): a figure is turned by up to 30 degrees
KNOTS = 5  # a smooth field is interpolated between KNOTS x KNOTS values


def _between(u, low, high):
    """Uniforms (n,) in [0, 1) -> (n, 1, 1) float32 in [low, high)."""
    return (low + (high - low) * u).astype(np.float32)[:, None, None]


def _smooth_field(knots):
    """Value noise: knots (n, KNOTS, KNOTS) -> (n, SIZE, SIZE), bilinear."""
    position = (np.arange(SIZE) + 0.5) * ((KNOTS - 1) / SIZE)
    low = position.astype(int)
    part = (position - low).astype(np.float32)
    rows = knots[:, low] + (knots[:, low + 1] - knots[:, low]) * part[:, None]
    return rows[:, :, low] + (rows[:, :, low + 1] - rows[:, :, low]) * part


def _colour(hue, saturation, value):
    """Hue in turns (any real number), saturation and value 0 .. 1, each (n,) -> RGB (n, 3, 1, 1) float32."""
    offset = np.array([0, 2 / 3, 1 / 3])
    turn = hue[:, None] + offset
    ramp = np.clip(np.abs((turn - np.floor(turn)) * 6 - 3) - 1, 0, 1)
    return (value[:, None] * (1 - saturation[:, None] * (1 - ramp))).astype(np.float32)[:, :, None, None]


def _placed(turn, mirror, centre_x, centre_y, radius):
    """Pixel coordinates (n, SIZE, SIZE) x and y in units of the figure's radius, turned about its centre by up to
    MOST_TURN either way and mirrored where `mirror` (n,) < 0.5.

    The rotation (c, s) = (1 - t^2, 2 t) / (1 + t^2), t = tan(angle / 2), needs no sine.
    """
    t = (2 * turn - 1) * MOST_TURN
    c = ((1 - t * t) / (1 + t * t)).astype(np.float32)[:, None, None]
    s = (2 * t / (1 + t * t)).astype(np.float32)[:, None, None]
    pixel = np.arange(SIZE, dtype=np.float32) - (SIZE - 1) / 2
    x = (pixel[None, None, :] - centre_x) / radius
    y = (pixel[None, :, None] - centre_y) / radius
    return (c * x + s * y) * np.where(mirror < 0.5, -1, 1).astype(np.float32)[:, None, None], c * y - s * x


def _paint(images, signed_distance, radius, colour, opacity):
    """Cover `images` (n, 3, SIZE, SIZE) in place with a figure whose edge is one pixel wide."""
    cover = np.clip(0.5 - signed_distance * radius, 0, 1) * opacity
    images += cover[:, None] * (colour - images)


def _blur(images):
    """Weights 1/4, 1/2, 1/4 along both axes; the border repeats."""
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge")
    rows = 0.5 * padded[:, :, 1:-1] + 0.25 * (padded[:, :, :-2] + padded[:, :, 2:])
    return 0.5 * rows[:, :, :, 1:-1] + 0.25 * (rows[:, :, :, :-2] + rows[:, :, :, 2:])


def render(labels, uniforms, noise):
    """Images (n, 3, SIZE, SIZE) uint8.

    labels (n,) int: the figure shown; uniforms (n, UNIFORM_WORDS) in [0, 1); noise (n, 2 * 3 * SIZE * SIZE) uint8.
    """
    n = len(labels)
    u = iter(uniforms.T)
    kinds = len(FIGURES)

    # Background: two colours mixed by a smooth field.
    field = _smooth_field(np.stack([next(u) for _ in range(KNOTS * KNOTS)], 1).astype(np.float32)
                          .reshape(n, KNOTS, KNOTS))
    back = [_colour(next(u), 0.4 * next(u), 0.1 + 0.8 * next(u)) for _ in range(2)]
    images = back[0] + (back[1] - back[0]) * field[:, None]

    # A small figure of any kind behind the subject, the subject, another small figure in front of it.
    def clutter():
        radius = _between(next(u), 2.0, 4.0)
        x, y = _placed(next(u), next(u), _between(next(u), -15, 15), _between(next(u), -15, 15), radius)
        kind = (next(u) * kinds).astype(int)
        colour = _colour(next(u), 0.8 * next(u), next(u))
        _paint(images, distance(kind, x, y), radius, colour, _between(next(u), 0.3, 1.0))

    clutter()
    radius = _between(next(u), 7.0, 12.0)
    x, y = _placed(next(u), next(u), _between(next(u), -4.5, 4.5), _between(next(u), -4.5, 4.5), radius)
    x *= _between(next(u), 0.8, 1.25)
    shape = distance(labels, x, y)
    # Some subjects are half-way to another kind; beyond the middle nobody can tell.
    other = (labels + 1 + (next(u) * (kinds - 1)).astype(int)) % kinds
    weight = _between(np.maximum(next(u) - 0.75, 0) * 4, 0, 0.55)
    mixed = np.flatnonzero(weight[:, 0, 0] > 0)
    shape[mixed] += weight[mixed] * (distance(other[mixed], x[mixed], y[mixed]) - shape[mixed])
    # Hues overlap: a class prefers a tenth of the circle and strays by up to a quarter of it.
    stray = next(u) + next(u) - 1
    colour = _colour(labels / kinds + stray / 4, 0.4 + 0.6 * next(u), 0.3 + 0.7 * next(u))
    _paint(images, shape, radius, colour, _between(next(u), 0.65, 1.0))
    clutter()

    # Camera: uneven light, contrast and brightness, focus, noise.
    light = _smooth_field(np.stack([next(u) for _ in range(4)], 1).astype(np.float32).reshape(n, 2, 2)
                          [:, [0, 0, 0, 1, 1]][:, :, [0, 0, 0, 1, 1]])
    images *= (_between(next(u), 0.6, 1.1) + _between(next(u), 0.0, 0.5) * light)[:, None]
    images += _between(next(u), 0.0, 1.0)[:, None] * (_blur(images) - images)
    grain = (noise[:, ::2].astype(np.float32) + noise[:, 1::2] - 255).reshape(images.shape)
    images *= 255
    images += grain * _between(next(u), 0.01, 0.09)[:, None]
    return np.clip(np.rint(images), 0, 255).astype(np.uint8)
