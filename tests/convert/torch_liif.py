"""LIIF with an EDSR backbone in PyTorch, after the paper, with the keys of its published checkpoints."""

import itertools

import torch
from torch import nn
from torch.nn import functional

from tests.convert.torch_networks import ResBlock, conv

WIDTH = 256


class Encoder(nn.Module):
    """EDSR's head and body on images in -1..1."""

    def __init__(self, blocks, channels):
        super().__init__()
        self.head = nn.Sequential(conv(3, channels))
        self.body = nn.Sequential(*(ResBlock(channels, 1.0) for _ in range(blocks)), conv(channels, channels))

    def forward(self, x):
        head = x = self.head(x / 127.5 - 1)
        self.features = []
        for block in self.body[:-1]:
            x = block(x)
            self.features.append(x)
        return head + self.body[-1](x)


class Mlp(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        widths = [inputs, WIDTH, WIDTH, WIDTH, WIDTH]
        layers = [m for a, b in itertools.pairwise(widths) for m in (nn.Linear(a, b), nn.ReLU())]
        self.layers = nn.Sequential(*layers, nn.Linear(WIDTH, 3))

    def forward(self, x):
        return self.layers(x)


def centres(length):
    """Of the pixels of an axis from -1 to 1."""
    return (2 * torch.arange(length) + 1) / length - 1


class Liif(nn.Module):
    """Four times the value at the cell's centre as one of its neighbours sees it, weighted by the opposite areas."""

    def __init__(self, blocks, channels):
        super().__init__()
        self.encoder, self.imnet = Encoder(blocks, channels), Mlp(9 * channels + 4)

    def forward(self, image, size):
        return self.decode(self.encoder(image), size)

    def decode(self, features, size):
        """Images in 0..255 of `size` (height, width), [height, width, 3], of one image's features [1, C, h, w]."""
        lengths = features.shape[-2:]
        unfolded = functional.unfold(features, 3, padding=1).view(1, -1, *lengths)
        here = torch.stack(torch.meshgrid(*map(centres, size), indexing="ij"), -1)
        places = torch.stack(torch.meshgrid(*map(centres, lengths), indexing="ij")).unsqueeze(0)
        per_axis = torch.tensor(lengths)
        cell = (2 / torch.tensor(size) * per_axis).expand(*size, 2)
        values, areas = [], []
        for down in (-1, 1):
            for right in (-1, 1):
                there = (here + torch.tensor([down, right]) / per_axis + 1e-6).clamp(-1 + 1e-6, 1 - 1e-6)
                there = there.flip(-1).unsqueeze(0)
                nearest = {"mode": "nearest", "align_corners": False}
                seen = functional.grid_sample(unfolded, there, **nearest)[0].permute(1, 2, 0)
                place = functional.grid_sample(places, there, **nearest)[0].permute(1, 2, 0)
                way = (here - place) * per_axis
                values.append(self.imnet(torch.cat([seen, way, cell], -1)))
                areas.append(way.prod(-1).abs() + 1e-9)
        weights = [area / sum(areas) for area in reversed(areas)]
        return 127.5 * (1 + sum(value * weight[..., None] for value, weight in zip(values, weights, strict=True)))
