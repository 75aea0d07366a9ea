"""Equations of `refpcm/spec/random.py` and `elementary.py`."""

from tests.docs.equations.table import Equation

THEME = "Random numbers and elementary functions"
SYMBOLS = {
    "x0..x3": ("the counter, then the four output words, of 32 bits each", "1"),
    "k0, k1": ("the key, two words of 32 bits", "1"),
    "high, low": ("upper and lower 32 bits of a 64-bit product", "1"),
    "M0, M1": ("multipliers 0xD2511F53 and 0xCD9E8D57", "1"),
    "K0, K1": ("additions to the key, 0x9E3779B9 and 0xBB67AE85", "1"),
    "i": ("index of an element in the stream of an address", "1"),
    "b": ("number of a block of four elements", "1"),
    "seed, chip, purpose, layer, draw": ("the address (docs/random_numbers.md lists the purposes)", "1"),
    "word": ("32 random bits", "1"),
    "u": ("uniform number in (0, 1)", "1"),
    "z": ("standard normal number", "1"),
    "Phi": ("standard normal distribution function", "1"),
    "A, B, C, D": ("polynomials with the coefficients of AS 241", "1"),
    "key": ("64-bit number by which an item is sorted", "1"),
    "x": ("argument", "1"),
    "k": ("exponent of 2", "1"),
    "R, P": ("polynomials with the coefficients of fdlibm", "1"),
}
SALMON = "Salmon et al., SC'11, doi 10.1145/2063384.2063405"
FDLIBM = "Sun Microsystems, fdlibm 1993"

EQUATIONS = (
    Equation(
        1, "Philox4x32-10", """
        ten times: x0, x1, x2, x3 <- high(M1 x2) ^ x1 ^ k0, low(M1 x2), high(M0 x0) ^ x3 ^ k1, low(M0 x0)
                   k0, k1 <- k0 + K0, k1 + K1   modulo 2^32""",
        "x0..x3|k0, k1|high, low|M0, M1|K0, K1", SALMON,
        ("random.philox4x32",), ("random.philox_block",), "random_numbers"),
    Equation(
        2, "Word of an address", """
        word(i) = philox(counter = (b low, b high, draw, purpose << 16 | layer), key = (seed, chip))[i mod 4],   b = floor(i / 4)""",
        "word|i|b|seed, chip, purpose, layer, draw", "refpcm's own choice of counter and key",
        ("random.words",), ("random.words",), "random_numbers"),
    Equation(
        3, "Uniform number", "u = (word + 0.5) / 2^32", "u|word", "refpcm's own choice: 0 and 1 do not occur",
        ("random.uniforms",), ("random.uniforms", "random.uniform_at"), "random_numbers"),
    Equation(
        4, "Normal number", """
        z = x with Phi(x) = u;   q = u - 0.5
        |q| <= 0.425:  z = q A(r) / B(r),          r = 0.180625 - q^2
        else:          z = sign(q) C(r) / D(r),    r = sqrt(-ln min(u, 1 - u)) - 1.6""",
        "z|u|Phi|A, B, C, D", "Wichura 1988, algorithm AS 241 (PPND16)",
        ("random.normal_quantile", "random.normals"), ("random.normals", "random.normal_at"), "random_numbers"),
    Equation(
        5, "Permutation", """
        items in ascending order of key(i) = word(2 i) 2^32 + word(2 i + 1), equal keys by number""",
        "key|word|i", "refpcm's own choice",
        ("random.order", "random.permutation"), ("random.permutation",), "random_numbers"),
    Equation(
        6, "Logarithm", """
        x = 2^k m, sqrt(1/2) <= m < sqrt(2);   f = m - 1, s = f / (2 + f)
        ln x = k ln 2 + f - f^2 / 2 + s (f^2 / 2 + R(s^2))""",
        "x|k|R, P", f"{FDLIBM}, e_log.c", ("elementary.log",), ("elementary.log_at",), "random_numbers"),
    Equation(
        7, "Exponential", """
        x = k ln 2 + r, |r| <= ln(2) / 2;   c = r - r^2 P(r^2)
        e^x = 2^k (1 + r + r c / (2 - c))""",
        "x|k|R, P", f"{FDLIBM}, e_exp.c", ("elementary.exp",), ("elementary.exp_at",), "random_numbers"),
)
