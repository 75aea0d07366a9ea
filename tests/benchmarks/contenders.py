"""Training steps and inferences of refpcm and, where it is installed, of PyTorch, as calls without arguments."""

import numpy as np

from refpcm.forms import find_forms
from refpcm.spec import resnet
from refpcm.spec.training.augmentation import Augmentation, draw_moves
from refpcm.spec.training.config import TrainingConfig
from refpcm.spec.training.sgd import decayed_names, zero_velocities
from refpcm.spec.training.step import training_step

LEARNING_RATE = 0.05


class Contenders:
    """Network, parameters and images; options: `network`, `batch`, `inference`, `kernels`, `threads`, `compile`."""

    def __init__(self, options):
        self.options, self.network, rng = options, resnet.build(options.network), np.random.default_rng(0)
        self.parameters = resnet.initial_parameters(self.network, lambda index, count: rng.standard_normal(count))
        count = max([options.batch, *options.inference])
        self.images = rng.standard_normal((count, *self.network.input_shape), np.float32)
        self.labels = rng.integers(0, self.network.classes, count)
        self.forms = find_forms(options.kernels)
        self.engine = self.forms.make_engine(self.network)
        self.config = TrainingConfig(options.network, decay="all", kernels=options.kernels)
        self.velocity = zero_velocities(self.parameters)
        self.decayed = decayed_names(self.parameters, self.config.decay)
        self.torch = self._torch_networks()

    def _torch_networks(self):
        """Return {name: (module, optimiser, images)}; nothing if PyTorch is not installed."""
        try:
            import torch
        except ImportError:
            print("PyTorch is not installed: its rows are missing")
            return {}
        from tests.benchmarks import torch_network
        torch.set_num_threads(self.options.threads)
        self.torch_network, self.torch_labels = torch_network, torch.from_numpy(self.labels)
        found = {name: (*torch_network.make(self.network, last), torch_network.as_tensor(self.images, last))
                 for name, last in (("PyTorch eager, channels_last", True), ("PyTorch eager, NCHW", False))}
        if self.options.compile:
            module, optimiser = torch_network.make(self.network, True)
            found["torch.compile, channels_last"] = (torch.compile(module), optimiser,
                                                     torch_network.as_tensor(self.images, True))
        return found

    def step(self, images, labels):
        """Take one training step with refpcm."""
        training_step(self.config, self.engine, self.parameters, self.velocity, self.decayed, images, labels,
                      LEARNING_RATE, 0, self.forms.rules)

    def training_steps(self):
        """Return {name: call} of a training step."""
        n = self.options.batch
        calls = {"refpcm": lambda: self.step(self.images[:n], self.labels[:n])}
        for name, (module, optimiser, images) in self.torch.items():
            calls[name] = lambda m=module, o=optimiser, x=images: self.torch_network.training_step(
                m, o, x[:n], self.torch_labels[:n])
        return calls

    def inferences(self, n):
        """Return {name: call} of an inference of n images."""
        calls = {"refpcm": lambda: self.engine.forward(self.parameters, self.images[:n])}
        for name, (module, _, images) in self.torch.items():
            calls[name] = lambda m=module, x=images: self.torch_network.inference(m, x[:n])
        return calls

    def augmented_steps(self):
        """Return {name: call} of a training step with crop, flip, Cutout and normalisation of its images."""
        n, images = self.options.batch, np.random.default_rng(0).integers(0, 256, (2048, 3, 32, 32)).astype(np.uint8)
        moves = draw_moves(Augmentation(cutout=8), (32, 32), 0, 0, len(images))

        def load():
            chosen = np.random.default_rng(1).permutation(len(images))[:n]
            return self.forms.transform_images(images[chosen], moves[chosen], 8, (0.49, 0.48, 0.45), (0.25, 0.24, 0.26))
        calls = {"refpcm": lambda: self.step(load(), self.labels[:n])}
        for name, (module, optimiser, _) in self.torch.items():
            last = "last" in name
            calls[name] = lambda m=module, o=optimiser, c=last: self.torch_network.training_step(
                m, o, self.torch_network.as_tensor(load(), c), self.torch_labels[:n])
        return calls
