"""What the paper reports (Joshi et al., Nature Communications 11, 2473, 2020), and where it stands.

T: the paper's text, or a printed label of the figure that is named. Where it refers to its Supplementary Information, that was
not at hand. The figures refer to the rows of these tables by key.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class PaperNumber:
    statement: str
    value: str
    source: str


CIFAR10 = {  # ResNet-32 with 361,722 weights
    "fp32": PaperNumber("FP32", "93.87 %", "T"),
    "transfer-fp32": PaperNumber("FP32: after training / after transfer", "93.87 % / 91.66 %", "T; after transfer Fig. 3c"),
    "transfer-noise": PaperNumber("noise, 3.8 %: the same", "94.17 % / 93.71 %", "T, Fig. 3c"),
    "transfer-4-bit": PaperNumber("4-bit weights: the same", "93.85 or 93.89 % / 92.82 %", "T, Fig. 3c"),
    "transfer-ternary": PaperNumber("ternary weights: the same", "92.35 % / 92.02 %", "T, Fig. 3c"),
    "transfer-lost": PaperNumber("noise, after transfer, below FP32 in software", "less than 0.2 %", "T"),
    "hardware": PaperNumber("hardware, 25 s after programming", "93.75 %", "T"),
    "day": PaperNumber("hardware, one day: GDC / AdaBS", "> 92.6 % / > 93.5 % (AdaBS +0.9 %)", "T"),
    "year": PaperNumber("model, one year: AdaBS over GDC", "+1.8 %", "T"),
    "none": PaperNumber("hardware, no compensation", "10 % (chance) within about 1000 s", "T"),
    "converters": PaperNumber("model, cost of 8-bit converters", "less than 0.05 %", "T"),
    "eta-equal": PaperNumber("eta_tr = eta_inf up to 5 %", "within 0.5 % of the baseline", "T, Fig. 2"),
    "eta-small": PaperNumber("eta_tr up to about 8 %, tested without noise", "baseline reached", "T, Fig. 2"),
    "eta-large": PaperNumber("eta_tr > 8 %", "baseline no longer reached", "T, Fig. 2"),
    "eta-above": PaperNumber("eta_tr above eta_inf", "up to 0.1 % better", "T, Fig. 2"),
    "without-start": PaperNumber("without the pre-trained start", "at least 1 % less", "T"),
    "without-clipping": PaperNumber("without clipping", "at least 1 % less", "T"),
    "without-rates": PaperNumber("without the learning rates", "at least 1 % less", "T"),
    "spread-of-nu": PaperNumber("spread of nu", "the steady fall over time", "T, Suppl. Fig. 5"),
    "nu-over-g": PaperNumber("dependence of nu on G_T", "the steady fall over time", "T, Suppl. Fig. 5"),
    "read-noise": PaperNumber("1/f read noise", "fluctuation over time", "T, Suppl. Fig. 5"),
    "adabs-images": PaperNumber("images that AdaBS needs", "2,600 (5.2 %) suffice", "T, Suppl. Note 3"),
}
IMAGENET = {  # ResNet-34
    "fp32": PaperNumber("FP32, after training", "73.20 % (probably)", "T, printed label"),
    "noise": PaperNumber("noise, after training", "71.94 % (probably)", "T, printed label"),
    "all": PaperNumber("noise, all layers on PCM, after transfer", "71.6 % (71.62 %)", "T"),
    "inner": PaperNumber("noise, first and last layer digital, after transfer", "71.9 %", "T"),
    "others": PaperNumber("FP32, after transfer", "65.41 or 64.86 % (the other is 4-bit's)", "T, printed label"),
    "year": PaperNumber("model, one year: AdaBS over GDC", "+7 %", "T"),
    "inner-year": PaperNumber("first and last layer digital, one year, AdaBS", "> 71 %", "T"),
}
