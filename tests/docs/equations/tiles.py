"""Equations of the product on tiles: `refpcm/spec/pcm`, `crossbars.py`, `network_on_tiles.py`."""

from tests.docs.equations.table import Equation

THEME = "Converters and tiles"
SYMBOLS = {
    "bits": ("of a converter, 2 to 24", "1"),
    "levels": ("largest code", "1"),
    "range": ("full scale of a converter", "the unit of x"),
    "x": ("input of a converter, or input vector of a layer", "1"),
    "code": ("whole number that a converter gives", "1"),
    "R, limit": ("rows of a layer's matrix; most rows of a tile", "1"),
    "P, p": ("row parts of the matrix; number of a part", "1"),
    "y_k": ("sum of column k", "1"),
    "W": ("effective weight", "1"),
    "v": ("variance of a weight's read noise, if it is drawn for every product (I-9)", "1"),
    "sigma": ("standard deviation of the output noise", "1"),
    "output_noise": ("its value in units of W_max times the input range", "1"),
    "input range": ("range of the digital-to-analog converter", "1"),
    "z, z'": ("standard normal numbers", "1"),
    "phi, Phi": ("density and distribution function of the standard normal distribution", "1"),
    "a": ("1 / s, at most 7", "1"),
    "N7, D7": ("polynomials with Hart's coefficients", "1"),
    "s": ("relative read noise Q_s s(t) of E-36 and E-37", "1"),
    "G_drift": ("conductance at time t without read noise", "uS"),
    "E G, Var G": ("mean and variance of a conductance over all reads at a time", "uS, uS^2"),
    "W_max, G_max": ("largest weight of the layer; conductance it is mapped to", "1, uS"),
    "stretch": ("of E-45, 1 for pairs that are not collapsed", "1"),
    "w, bias": ("weights (K, C, kernel, kernel) of a convolution, (K, D) of a linear layer, and its biases", "1"),
    "index": ("element in the stream of output noise and of read noise of products", "1"),
    "V": ("output positions of an image", "1"),
    "K": ("columns of the matrix", "1"),
    "quantile": ("0.99995", "1"),
}

EQUATIONS = (
    Equation(
        46, "Code of a converter", "code = clip(round(x / (range / levels)), -levels, levels),   levels = 2^(bits-1) - 1, half to even",
        "code|x|range|levels|bits", "refpcm's own choice: symmetric codes, as aihwkit's resolution 1 / (2^bits - 2)",
        ("pcm.converters.codes", "pcm.converters.Converter.levels"), ("tiles.kernels.code_at",), "tile"),
    Equation(
        47, "Converted value", "code range / levels; x itself for an ideal converter", "code|range|levels|x",
        "follows from E-46", ("pcm.converters.convert",), ("tiles.kernels.convert_planes",), "tile"),
    Equation(
        48, "Saturated values", "how many |round(x / (range / levels))| > levels", "x|range|levels", "refpcm's own choice",
        ("pcm.converters.saturated",), ("tiles.kernels.product_rows",), "tile"),
    Equation(
        49, "Row parts", "P = ceil(R / limit); sizes floor(R / P) + 1, R mod P times, then floor(R / P)", "P, p|R, limit",
        "refpcm's own choice", ("pcm.tile.parts",), (), "tile"),
    Equation(
        50, "Product on tiles", """
        y_k = sum over row parts p of  ADC( sum over r in p of  W_rk DAC(x_r)
                                            + sqrt(sum over r in p of  v_rk DAC(x_r)^2) z'_pk  +  sigma z_pk )
        sigma = output_noise W_max input range;   without read noise of products v = 0""",
        "y_k|P, p|W|x|sigma|output_noise|W_max, G_max|input range|v|z, z'",
        "converters: Joshi et al. 2020, Methods; output noise: aihwkit's form; read noise: I-9",
        ("pcm.tile.product",), ("tiles.product.windows_product", "tiles.product.lane_product"), "tile"),
    Equation(
        51, "Tail of the normal distribution", "Phi(-a) = exp(-a^2 / 2) N7(a) / D7(a), 0 <= a <= 7", "phi, Phi|a|N7, D7",
        "Hart, Computer Approximations 1968, 5666; West, Wilmott Magazine 2005", ("pcm.rectified.normal_tail",), (),
        "drift_and_read_noise"),
    Equation(
        52, "Moments of max(1 + s z, 0)", """
        mean = 1 + d,   variance = s^2 (1 - Phi(-a)) - d (1 + d),   d = s phi(a) - Phi(-a), a = 1 / s
        below s = 1/7: 1 and s^2""",
        "s|a|phi, Phi", "derived", ("pcm.rectified.rectified_moments",), (), "drift_and_read_noise"),
    Equation(
        53, "Moments of a conductance", "E G = G_drift mean(s),   Var G = G_drift^2 variance(s)", "E G, Var G|G_drift|s",
        "derived from E-38 and E-52", ("pcm.product_noise.read_moments",), (),
        "drift_and_read_noise"),
    Equation(
        54, "Variance of a weight", "v = (Var G+ + Var G-) ((W_max / G_max) stretch)^2", "v|E G, Var G|W_max, G_max|stretch",
        "derived from E-30", ("pcm.product_noise.weight_variances",), (), "drift_and_read_noise"),
    Equation(
        55, "A layer as a matrix", """
        convolution: W[(c kernel + r) kernel + s, k] = w[k, c, r, s]
        linear: W[d, k] = w[k, d], and a last row W[D, k] = bias_k, driven by 1 (I-1)""",
        "W|w, bias", "order of the rows: refpcm's own choice; biases: I-1", ("crossbars.to_matrices", "crossbars.with_matrices"), (), "chip"),
    Equation(
        56, "Address of the noise of products", "index = ((image P + p) K + k) V + position; x of a position is its window in C order",
        "index|P, p|K|V|x", "refpcm's own choice", ("network_on_tiles.analog_forward", "network_on_tiles.input_vectors"),
        ("tiles.noise.lane_normals",), "tile"),
    Equation(
        57, "Ranges of the converters", """
        range of the DAC = quantile of |x| of the layer,   of the ADC = quantile of |column sums| of its row parts
        the DAC of the linear layer, whose bias row is driven by 1: at least 1
        where the quantile is 0: the largest magnitude; where that is 0, too: 1""",
        "range|quantile|x", "Joshi et al. 2020, Methods: 99.995th percentiles over 10,000 training images",
        ("network_on_tiles.calibrate_ranges", "pcm.tile.Tail.quantile"), (), "tile"),
)
