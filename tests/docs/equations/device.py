"""Equations of `refpcm/spec/pcm` up to the chip."""

from tests.docs.equations.table import Equation

THEME = "Devices and chips"
SYMBOLS = {
    "W": ("weight", "1"),
    "W_max": ("largest |W| of the layer", "1"),
    "G_max": ("conductance that W_max is mapped to", "uS"),
    "G_T": ("target conductance of one device", "uS"),
    "G+, G-": ("conductances of the two devices of a pair", "uS"),
    "G_prog": ("conductance as programmed, at t0", "uS"),
    "E G_prog": ("mean of G_prog over z", "uS"),
    "G_drift": ("conductance at time t without read noise", "uS"),
    "G": ("conductance of one device as read at time t", "uS"),
    "g": ("G_T / G_max", "1"),
    "sigma_prog": ("standard deviation of the programming error", "uS"),
    "z": ("standard normal number, another one in each equation", "1"),
    "u, u'": ("uniform numbers in (0, 1)", "1"),
    "fraction": ("share of stuck devices", "1"),
    "mu_nu, sigma_nu": ("mean and standard deviation of the drift exponent", "1"),
    "nu": ("drift exponent of the device", "1"),
    "t": ("time since programming", "s"),
    "t0": ("time at which drift begins to count: 20 s with joshi2020", "s"),
    "t_read": ("duration of a read: 250 ns with joshi2020", "s"),
    "Q_s": ("relative read noise", "1"),
    "s(t)": ("growth of 1/f noise", "1"),
    "c0..c3": ("coefficients of a piece of a curve, clipped to low .. high", "the unit of the curve"),
    "sigma_0": ("standard deviation of the error at t0: sigma_prog of the device", "uS"),
    "sigma_1": ("standard deviation of the error at t1", "uS"),
    "t1": ("55.39 s", "s"),
    "start": ("first element of a read's random numbers", "1"),
    "net": ("G+ - G- as programmed", "uS"),
    "stretch": ("max|net| / G_max of a collapsed pair, else 1", "1"),
}
METHODS = "Joshi et al. 2020, Methods"
NANDAKUMAR = "Nandakumar et al., ICECS 2019, doi 10.1109/ICECS46596.2019.8964852"
NOTE2 = "Joshi et al. 2020, Supplementary Note 2, {}, as recorded in CrossSim v2"

EQUATIONS = (
    Equation(
        27, "Curve of a device parameter", """
        the first piece whose end is above g gives clip(f(g), low, high), f(g) =
        c0 + c1 g + c2 g^2 + c3 g^3,   c0 ln g + c1,   c0 g^c1,   or   1 / (c0 g + c1)
        a table of points is straight pieces between them""",
        "c0..c3|g", "the forms of the published fits; refpcm.spec.pcm.device has the numbers",
        ("pcm.curve.curve_value", "pcm.curve.table"), ("curve.curve_value",), "device"),
    Equation(
        28, "Largest weight", "W_max = max |W| of the layer's matrix", "W_max|W", METHODS,
        ("pcm.mapping.largest_weight", "training.weight_noise.w_max_of"), (), "device"),
    Equation(
        29, "Mapping", """
        G_T of G+ = (max(W, 0) / W_max) G_max,   G_T of G- = (max(-W, 0) / W_max) G_max;   0 if W_max is 0""",
        "G_T|G+, G-|W|W_max|G_max", METHODS, ("pcm.mapping.to_conductances",), ("device_equations.target_at",), "device"),
    Equation(
        30, "Weight of a pair", "W = (G+ - G-) W_max / G_max", "W|G+, G-|W_max|G_max", METHODS,
        ("pcm.mapping.to_weights",), ("device_equations.weight_at",), "device"),
    Equation(
        31, "Programming error", """
        sigma_prog = max(curve programming_us at g, 0)
        joshi2020: 0.26348 + 1.9650 g - 1.1731 g^2""",
        "sigma_prog|g", NANDAKUMAR, ("pcm.programming.programming_sigma_us",), ("device_equations.sigma_at",), "device"),
    Equation(
        32, "Programmed conductance", """
        G_prog = max(G_T + sigma_prog z, 0);   where G_T = 0 and the RESET device is "zero" (I-5): 0""",
        "G_prog|G_T|sigma_prog|z", NANDAKUMAR + "; I-5", ("pcm.programming.programmed_us",),
        ("device_equations.programmed_at",), "device"),
    Equation(
        89, "Expected conductance after programming", """
        E G_prog = G_T (1 + d(sigma_prog / G_T)), d of E-52;   where G_T = 0: sigma_prog / sqrt(2 pi), or 0 (I-5)""",
        "E G_prog|G_T|sigma_prog", "derived from E-32", ("pcm.programming.expected_programmed_us",), (), "compensation"),
    Equation(
        33, "Stuck devices", "G_prog = u' G_max where u < fraction", "G_prog|u, u'|fraction|G_max", "refpcm's own choice, I-6",
        ("pcm.programming.with_stuck_us",), ("device_equations.stuck_at",), "device"),
    Equation(
        34, "Drift exponent", """
        nu = |mu_nu(g) + sigma_nu(g) z|
        joshi2020: mu_nu = clip(-0.0155 ln g + 0.0244, 0.049, 0.1), sigma_nu = clip(-0.0125 ln g - 0.0059, 0.008, 0.045)""",
        "nu|mu_nu, sigma_nu|g|z", NANDAKUMAR, ("pcm.drift.drift_exponents",), ("device_equations.exponent_at",),
        "drift_and_read_noise"),
    Equation(
        35, "Drift", "G_drift = G_prog (t / t0)^(-nu)", "G_drift|G_prog|t|t0|nu", NANDAKUMAR,
        ("pcm.drift.drifted_us",), ("device_equations.drifted_at",), "drift_and_read_noise"),
    Equation(
        36, "Relative read noise", """
        Q_s = curve read_noise at g, or at G_prog / G_max (I-7)
        joshi2020: min(0.0088 / g^0.65, 0.2)""",
        "Q_s|g|G_prog|G_max", NANDAKUMAR, ("pcm.read_noise.relative_read_noise",), ("curve.fill_curve",), "drift_and_read_noise"),
    Equation(
        37, "Growth of read noise", "s(t) = sqrt(ln((t + t_read) / (2 t_read)))", "s(t)|t|t_read", NANDAKUMAR,
        ("pcm.read_noise.accumulation",), (), "drift_and_read_noise"),
    Equation(
        38, "Read", "G = max(G_drift + G_drift Q_s s(t) z, 0)", "G|G_drift|Q_s|s(t)|z", NANDAKUMAR,
        ("pcm.read_noise.read_us",), ("device_equations.read_at",), "drift_and_read_noise"),
    Equation(
        39, "Transfer", """
        G = G_T + sigma_prog(g) z for the device of the pair with a target (of a weight of 0: G+), 0 for the other""",
        "G|G_T|sigma_prog|g|z", "Joshi et al. 2020, Results C, Fig. 3b to 3d; sigma: CrossSim's fit of Fig. 3b",
        ("pcm.transfer.transferred_us",), (), "device"),
    Equation(
        40, "Drift exponent of Note 2", "nu = mu_nu(g) + sigma_nu(g) z, which may be negative", "nu|mu_nu, sigma_nu|g|z",
        NOTE2.format("eq. 8, 9"), ("pcm.note2.note2_exponents",), (), "device"),
    Equation(
        41, "Conductance of Note 2 at t0", "G_prog = G_T (t0 / 20 s)^(-nu) + sigma_0(g) z,   t0 = 27.36 s",
        "G_prog|G_T|t0|nu|sigma_0|g|z", NOTE2.format("eq. 12 to 16"), ("pcm.note2.note2_programmed_us",), (), "device"),
    Equation(
        42, "Late error of Note 2", "sigma_1 = max(0.1923 + 0.1004 G_T - 0.00729 G_T^2 + 0.0001904 G_T^3, 0)", "sigma_1|G_T",
        "CrossSim v2: fit to a figure of the supplement of Joshi et al. 2020", ("pcm.note2.late_sigma_us",), (), "device"),
    Equation(
        43, "Read of Note 2", """
        G = G_prog (t / t0)^(-nu)                                            for t < t1
        G = (G_prog (t1 / t0)^(-nu) + sigma_1(G_T) z) (t / t1)^(-nu)         from t1 on""",
        "G|G_prog|t|t0|t1|nu|sigma_1|G_T|z", NOTE2.format("eq. 12 to 16"), ("pcm.note2.note2_read_us",), (), "device"),
    Equation(
        44, "Address of a read", "start = 2^32 times the bit pattern of float32(t); draw is the number of the read", "start|t",
        "refpcm's own choice", ("pcm.chip.read_start",), (), "random_numbers"),
    Equation(
        45, "Collapsed pair", """
        G_prog of G+, G- = max(+-net, 0) G_max / max|net|,   stretch = max|net| / G_max   (I-8, "collapsed")
        W = (G+ - G-) (W_max / G_max) stretch""",
        "G_prog|G+, G-|net|stretch|W|W_max|G_max", "aihwkit's code; I-8",
        ("pcm.chip.programmed_as_read", "pcm.chip.collapsed_us", "pcm.chip.stretch", "pcm.chip.largest_net_us",
         "pcm.chip.effective_weights"),
        ("device_equations.split_at",), "chip"),
)
