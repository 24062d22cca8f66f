"""RDN and Meta-SR in PyTorch, after the papers, with the keys of their published checkpoints."""

import math

import torch
from torch import nn
from torch.nn import functional

from tests.convert.torch_networks import MeanShift, conv, upsampler


class Dense(nn.Module):
    def __init__(self, before, growth):
        super().__init__()
        self.conv = nn.Sequential(conv(before, growth), nn.ReLU())

    def forward(self, x):
        return torch.cat((x, self.conv(x)), 1)


class Block(nn.Module):
    def __init__(self, channels, growth, layers):
        super().__init__()
        self.convs = nn.Sequential(*(Dense(channels + n * growth, growth) for n in range(layers)))
        self.LFF = conv(channels + layers * growth, channels, 1)

    def forward(self, x):
        return x + self.LFF(self.convs(x))


class Rdn(nn.Module):
    """On colours as they are; `features` holds what each block made. Without a scale it ends with the LR features."""

    def __init__(self, blocks, channels, growth, layers, scale=0):
        super().__init__()
        self.SFENet1, self.SFENet2 = conv(3, channels), conv(channels, channels)
        self.RDBs = nn.ModuleList(Block(channels, growth, layers) for _ in range(blocks))
        self.GFF = nn.Sequential(conv(blocks * channels, channels, 1), conv(channels, channels))
        if scale:
            self.UPNet = nn.Sequential(*upsampler(channels, scale), conv(channels, 3))
        self.scale = scale

    def forward(self, x):
        first = self.SFENet1(x)
        x, self.features = self.SFENet2(first), []
        for block in self.RDBs:
            x = block(x)
            self.features.append(x)
        x = first + self.GFF(torch.cat(self.features, 1))
        return self.UPNet(x) if self.scale else x


class Weights(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.meta_block = nn.Sequential(nn.Linear(3, 256), nn.ReLU(), nn.Linear(256, 27 * channels))


class MetaRdn(nn.Module):
    """As its authors compute it: a 3x3 kernel for every HR pixel, from 1/r and the offsets within LR pixels."""

    def __init__(self, blocks, channels, growth, layers):
        super().__init__()
        parts = Rdn(blocks, channels, growth, layers)
        for name, module in parts.named_children():
            setattr(self, name, module)
        self.sub_mean, self.add_mean, self.P2W = MeanShift(-1), MeanShift(1), Weights(channels)
        self._rdn = [parts]  # in a list: no module of its own

    def forward(self, image, scale):
        features = self._rdn[0](self.sub_mean(image))[0]
        height, width = (math.floor(side * scale + 0.5) for side in features.shape[1:])
        unfolded = functional.unfold(features[None], 3, padding=1)[0].T.reshape(*features.shape[1:], -1)
        rows, columns = (torch.arange(side, dtype=torch.float64) / scale for side in (height, width))
        at_rows, at_columns = (torch.floor(axis + 1e-9).long() for axis in (rows, columns))
        offsets = torch.meshgrid(rows - at_rows, columns - at_columns, indexing="ij")
        numbers = torch.stack([torch.full_like(offsets[0], 1 / scale), *offsets], -1).float()
        kernels = self.P2W.meta_block(numbers).reshape(height, width, -1, 3)
        seen = unfolded[at_rows][:, at_columns]
        return self.add_mean(torch.einsum("hwk,hwko->ohw", seen, kernels)[None])
