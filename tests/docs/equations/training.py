"""Equations of `refpcm/spec/training`."""

from tests.docs.equations.table import Equation

THEME = "Training"
SYMBOLS = {
    "pixel": ("value of a pixel, 0 .. 255", "1"),
    "mean, std": ("of a channel over the training images, of pixel / 255", "1"),
    "u_0..u_4": ("uniform numbers of the image: crop row, crop column, flip, Cutout row, Cutout column", "1"),
    "padding": ("of the crop", "pixels"),
    "H, W_px": ("rows and columns of the image", "pixels"),
    "dy, dx": ("shift of the image", "pixels"),
    "edge": ("of Cutout's square", "pixels"),
    "w": ("weight", "1"),
    "W_max": ("largest |w| of the layer, biases of the linear layer included", "1"),
    "eta": ("strength of the noise: eta_tr", "1"),
    "z": ("standard normal number", "1"),
    "G_T": ("target conductance of one device of the pair, E-29", "uS"),
    "sigma_prog": ("programming error, E-31", "uS"),
    "sigma(w)": ("population standard deviation of the layer's weights, without noise", "1"),
    "alpha": ("bound of the clipping: 2.0, on ImageNet 2.5", "1"),
    "bound": ("largest weight after clipping", "1"),
    "s": ("step of the quantiser", "1"),
    "D": ("threshold of the ternary quantiser", "1"),
    "a": ("value of a ternary weight", "1"),
    "Q": ("quantiser of a layer: E-76 or E-77", "1"),
    "L": ("loss", "1"),
    "d": ("direction of the step", "1"),
    "v": ("velocity", "1"),
    "lr": ("learning rate", "1"),
    "momentum, decay": ("of the optimiser: momentum and weight decay", "1"),
    "f": ("factor of the base learning rate", "1"),
    "step, total": ("number of the step from 0; steps of the schedule", "1"),
    "base": ("peak of the learning rate", "1"),
    "warmup": ("steps of the linear rise", "1"),
    "n": ("members of the average, or batches", "1"),
}
METHODS_C = "Joshi et al. 2020, Methods C"

EQUATIONS = (
    Equation(
        68, "Normalisation of images", "x = (pixel / 255 - mean) / std, rounded to float32 last", "pixel|mean, std", METHODS_C,
        ("training.augmentation.normalised_values",), ("training.augmentation.transform_images",), "training"),
    Equation(
        69, "Moves of an image", """
        dy = floor(u_0 (2 padding + 1)) - padding,   dx = floor(u_1 (2 padding + 1)) - padding,   flip where u_2 < 1/2
        centre of Cutout = (floor(u_3 H), floor(u_4 W_px))""",
        "dy, dx|u_0..u_4|padding|H, W_px", METHODS_C + "; DeVries and Taylor 2017; the address is refpcm's own",
        ("training.augmentation.draw_moves",), (), "training"),
    Equation(
        70, "Moved image", """
        out[i, j] = x[i + dy, j + dx], 0 outside; then columns reversed by a flip; then 0 in the square
        [row - floor(edge / 2), row - floor(edge / 2) + edge) in rows, and likewise in columns""",
        "dy, dx|edge", METHODS_C + "; DeVries and Taylor 2017", ("training.augmentation.transform_images",),
        ("training.augmentation.transform_images",), "training"),
    Equation(
        71, "Additive noise on weights", "w + eta W_max z, afresh for every mini-batch, or every image (I-23)", "w|eta|W_max|z", METHODS_C,
        ("training.weight_noise.weight_noise", "training.weight_noise.noisy_parameters"),
        ("training.update.noisy_parameters",), "training"),
    Equation(
        72, "Multiplicative noise on weights", "w (1 + eta z)", "w|eta|z", "Joshi et al. 2020, Methods, as compared there; I-13",
        ("training.weight_noise_kinds.multiplicative_noise",),
        ("training.update.multiplicative_parameters",), "training"),
    Equation(
        73, "State-dependent noise on weights", """
        the weight (E-30) of the pair max(G_T + eta sigma_prog(G_T) z, 0)""",
        "G_T|eta|sigma_prog|z", "refpcm's own choice, I-14",
        ("training.weight_noise_kinds.state_dependent_noise",), (), "training"),
    Equation(
        74, "Bound of the clipping", "bound = alpha sigma(w)", "bound|alpha|sigma(w)", "Joshi et al. 2020, Methods C and D; I-3",
        ("training.clipping.clip_bound",), ("training.update.bound",), "training"),
    Equation(
        75, "Clipping", "w <- min(max(w, -bound), bound), after every update", "w|bound", "Joshi et al. 2020, Methods C and D",
        ("training.clipping.clip",), ("training.update.clip_parameters",), "training"),
    Equation(
        76, "4-bit weights", "s round(w / s) clipped to +-7 s, half to even,   s = max|w| / 7", "s|w",
        "Krishnamoorthi 2018, arXiv 1806.08342; I-15", ("training.quantisation.four_bit",), (), "training"),
    Equation(
        77, "Ternary weights", """
        sign(w) a where |w| > D, else 0;   D = 0.7 mean|w|,   a = mean of |w| over |w| > D""",
        "w|a|D", "Li, Zhang, Liu 2016, arXiv 1605.04711; I-16", ("training.quantisation.ternary",), (), "training"),
    Equation(
        78, "Straight-through training", "dL/dw = dL/dQ(w): forward and backward with Q(w), the update goes to w", "L|w|Q",
        "Bengio, Leonard, Courville 2013, arXiv 1308.3432; Courbariaux, Bengio, David 2015, arXiv 1511.00363",
        ("training.step.training_step",), (), "training"),
    Equation(
        79, "Stochastic gradient descent", """
        d = dL/dw + decay w,   v <- momentum v + d
        w <- w - lr v,   or with Nesterov's momentum   w <- w - lr (d + momentum v)""",
        "d|L|w|momentum, decay|v|lr", "as in PyTorch; momentum: " + METHODS_C + "; Nesterov, decay: I-4",
        ("training.sgd.sgd_step",), ("training.update.update",), "training"),
    Equation(
        80, "Schedule: constant", "f = 1", "f", METHODS_C + ", ImageNet", ("training.schedules.constant",), (), "training"),
    Equation(
        81, "Schedule: multi-step", "f = 0.2^k after k of the milestones 0.3, 0.6, 0.8 of total", "f|step, total",
        "Zagoruyko and Komodakis 2016", ("training.schedules.multi_step",), (), "training"),
    Equation(
        82, "Schedule: step", "f = 0.1^floor(4 step / total)", "f|step, total", METHODS_C + ": every 50 of 200 epochs",
        ("training.schedules.every_quarter",), (), "training"),
    Equation(
        83, "Schedule: cosine", "f = (1 + cos(pi step / total)) / 2", "f|step, total", "Loshchilov and Hutter 2017, eq. 5, one period",
        ("training.schedules.cosine",), (), "training"),
    Equation(
        84, "Schedule: one cycle", """
        f = blend(1/25, 1, step / (0.3 total)) up to 0.3 total, then blend(1, 0.0001, (step - 0.3 total) / (0.7 total))
        blend(b, c, q) = c + (b - c) (1 + cos(pi q)) / 2""",
        "f|step, total", "Smith and Topin 2018", ("training.schedules.one_cycle",), (), "training"),
    Equation(
        85, "Learning rate", "lr = base f min(1, (step + 1) / warmup)", "lr|base|f|step, total|warmup", "refpcm's own choice of warm-up",
        ("training.schedules.learning_rate",), (), "training"),
    Equation(
        86, "Average of weights", "average <- average + (w - average) / n, n = 1, 2, ... over the last steps", "w|n",
        "Izmailov et al. 2018, arXiv 1803.05407, algorithm 1", ("training.averaging.include",), (), "training"),
    Equation(
        87, "Statistics of averaged weights", "mean over n batches of the mean and the unbiased variance of each", "n",
        "Izmailov et al. 2018, algorithm 1, last step", ("nn.batch_norm.mean_statistics",), (), "training"),
    Equation(
        88, "A step of training", """
        forward with noise (E-71), loss (E-22), backward with the weights without noise (I-2), E-79, E-75, E-14""",
        "", "Joshi et al. 2020, Methods C and D", ("training.step.learn",), (), "training"),
)
