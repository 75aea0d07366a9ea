"""A network of refpcm.spec.resnet in PyTorch, for comparison: same layers, same names, plain eager code."""

import torch
from torch import nn
from torch.nn import functional

from refpcm.spec import resnet


class TorchNetwork(nn.Module):
    def __init__(self, network):
        super().__init__()
        self.layers, self.parts = network.layers, nn.ModuleDict()
        for layer in network.layers:
            if isinstance(layer, resnet.Conv2d):
                part = nn.Conv2d(layer.in_channels, layer.out_channels, layer.kernel, layer.stride, layer.padding,
                                 bias=False)
            elif isinstance(layer, resnet.BatchNorm):
                part = nn.BatchNorm2d(layer.channels)
            elif isinstance(layer, resnet.Linear):
                part = nn.Linear(layer.in_features, layer.out_features)
            else:
                continue
            self.parts[layer.name.replace(".", "-")] = part

    def forward(self, images):
        values = {resnet.IMAGE: images}
        for layer in self.layers:
            values[layer.name] = self._run(layer, *(values[name] for name in layer.inputs))
        return values[self.layers[-1].name]

    def _run(self, layer, x, *others):
        key = layer.name.replace(".", "-")
        if key in self.parts:
            return self.parts[key](x)
        if isinstance(layer, resnet.ReLU):
            return functional.relu(x)
        if isinstance(layer, resnet.Add):
            return x + others[0]
        if isinstance(layer, resnet.PadShortcut):
            behind = layer.out_channels - layer.in_channels - layer.before
            return functional.pad(x[:, :, ::layer.stride, ::layer.stride], (0, 0, 0, 0, layer.before, behind))
        if isinstance(layer, resnet.MaxPool):
            return functional.max_pool2d(x, layer.kernel, layer.stride, layer.padding)
        return x.mean((2, 3))


def make(network, channels_last):
    """(module, SGD optimiser as the paper's recipe has it)."""
    module = TorchNetwork(network)
    if channels_last:
        module = module.to(memory_format=torch.channels_last)
    optimiser = torch.optim.SGD(module.parameters(), 0.05, momentum=0.9, nesterov=True, weight_decay=5e-4)
    return module, optimiser


def training_step(module, optimiser, images, labels):
    module.train()
    optimiser.zero_grad()
    functional.cross_entropy(module(images), labels).backward()
    optimiser.step()


def inference(module, images):
    module.eval()
    with torch.no_grad():
        return module(images)


def as_tensor(images, channels_last):
    tensor = torch.from_numpy(images)
    return tensor.contiguous(memory_format=torch.channels_last) if channels_last else tensor
