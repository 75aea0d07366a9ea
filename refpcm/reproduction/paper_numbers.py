"""What the paper reports (Joshi et al., Nature Communications 11, 2473, 2020), and where each number was found.

Sources: P, the paper's abstract, introduction or a figure caption; Q, a sentence of its Methods quoted elsewhere;
S, a summary of its full text. All of them agree with the main text and the Methods, which were read later. Both tables are
complete: the figures refer to their rows by key.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class PaperNumber:
    statement: str
    value: str
    source: str  # letters P, Q, S


CIFAR10 = {  # ResNet-32 with 361,722 weights
    "fp32": PaperNumber("FP32", "93.87 %", "S"),
    "mapped": PaperNumber("after mapping, eta_tr = 3.8 %", "93.7 %, less than 0.2 % below FP32", "P, S"),
    "hardware": PaperNumber("hardware, 25 s after programming", "93.75 %", "S"),
    "day": PaperNumber("hardware, one day: GDC / AdaBS", "> 92.6 % / > 93.5 % (AdaBS +0.9 %)", "P, S"),
    "year": PaperNumber("model, one year: AdaBS over GDC", "+1.8 %", "S"),
    "none": PaperNumber("no compensation", "10 % (chance) within about 1000 s", "S"),
    "eta-equal": PaperNumber("eta_tr = eta_inf up to 5 %", "within 0.5 % of the baseline", "S"),
    "eta-large": PaperNumber("eta_tr > 8 %", "baseline no longer reached in the same epochs", "P, Fig. 2"),
    "eta-above": PaperNumber("eta_tr above eta_inf, up to a point", "equal or up to 0.1 % better", "P, Fig. 2"),
    "precision": PaperNumber("4-bit / ternary training, then PCM", "loses > 1 % / < 0.5 % from a lower base", "S"),
}
IMAGENET = {  # ResNet-34, PCM model
    "all": PaperNumber("all layers on PCM", "71.6 % top-1", "P"),
    "inner": PaperNumber("first and last layer digital", "71.9 %, > 71 % over one year with AdaBS", "S"),
    "year": PaperNumber("AdaBS over GDC at one year", "+7 %", "S"),
    "others": PaperNumber("FP32- or 4-bit-trained instead", "about 6 % worse", "S"),
}
