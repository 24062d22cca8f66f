"""ArbRCAN of the ICCV version in PyTorch, after that paper, with the keys of its published checkpoint.

Positions are exact fractions, and odd sizes work: the mask's pooling rounds up and its result is cut.
"""

from fractions import Fraction

import torch
from torch import nn
from torch.nn import functional

from tests.convert.torch_networks import MeanShift, conv, rcan_group

EXPERTS = 4


def axis(factor, length):
    """Positions on the LR axis and relative to the nearest pixel, of HR pixels 0 .. length - 1."""
    exact = [(Fraction(2 * x + 1, 2) / factor) for x in range(length)]
    relative = [float(position - position.__floor__() - Fraction(1, 2)) for position in exact]
    return torch.tensor([float(p - Fraction(1, 2)) for p in exact]), torch.tensor(relative)


class AdaptedConv(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.routing = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, EXPERTS), nn.Softmax(0))
        self.weight_pool = nn.Parameter(torch.randn(EXPERTS, channels, channels, 3, 3) / channels)

    def forward(self, x, scale):
        weights = self.routing(1 / scale)
        return functional.conv2d(x, (weights.view(-1, 1, 1, 1, 1) * self.weight_pool).sum(0), padding=1)


class Adaption(nn.Module):
    def __init__(self, channels):
        super().__init__()
        layers = [conv(channels, 16), nn.BatchNorm2d(16), nn.ReLU(), nn.AvgPool2d(2, ceil_mode=True)]
        for _ in range(2):
            layers += [conv(16, 16), nn.BatchNorm2d(16), nn.ReLU()]
        layers += [nn.Upsample(scale_factor=2, mode="bilinear"), conv(16, 1), nn.BatchNorm2d(1), nn.Sigmoid()]
        self.mask = nn.Sequential(*layers)
        self.adapt = AdaptedConv(channels)

    def forward(self, x, scale):
        height, width = x.shape[2:]
        mask = self.mask[:11](x)[:, :, :height, :width]
        return x + self.adapt(x, scale) * self.mask[11:](mask)


class Upsampling(nn.Module):
    def __init__(self, channels):
        super().__init__()
        few = channels // 8
        self.weight_compress = nn.Parameter(torch.randn(EXPERTS, few, channels, 1, 1) / channels**0.5)
        self.weight_expand = nn.Parameter(torch.randn(EXPERTS, channels, few, 1, 1) / few**0.5)
        self.body = nn.Sequential(conv(4, 64, 1), nn.ReLU(), conv(64, 64, 1), nn.ReLU())
        self.routing = nn.Sequential(conv(64, EXPERTS, 1), nn.Sigmoid())
        self.offset = conv(64, 2, 1)

    def forward(self, x, factors, size):
        (y, relative_y), (x_, relative_x) = (axis(factor, n) for factor, n in zip(factors, size, strict=True))
        scales = [torch.full(size, 1 / float(factor)) for factor in reversed(factors)]
        grid = [relative_y[:, None].expand(size), relative_x[None].expand(size)]
        embedding = self.body(torch.stack([*scales, *grid])[None])
        offset = self.offset(embedding)[0]
        height, width = x.shape[2:]
        normalised = ((x_[None] + offset[0]) * 2 / (width - 1) - 1, (y[:, None] + offset[1]) * 2 / (height - 1) - 1)
        grid = torch.stack(normalised, dim=-1).expand(x.shape[0], -1, -1, -1)
        sampled = functional.grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=True)
        weights = self.routing(embedding)[0]
        compress, expand = (
            torch.einsum("ehw,eoi->hwoi", weights, pool[..., 0, 0])
            for pool in (self.weight_compress, self.weight_expand)
        )
        return sampled + torch.einsum("hwoi,hwij,bjhw->bohw", expand, compress, sampled)


class ArbRCAN(nn.Module):
    def __init__(self, groups, blocks, channels):
        super().__init__()
        self.sub_mean, self.add_mean = MeanShift(-1), MeanShift(1)
        self.head = nn.Sequential(conv(3, channels))
        made = [rcan_group(channels, blocks, 16) for _ in range(groups)]
        self.body = nn.Sequential(*made, conv(channels, channels))
        self.tail = nn.ModuleDict({"1": conv(channels, 3)})
        self.sa_adapt = nn.Sequential(*(Adaption(channels) for _ in range(groups)))
        self.sa_upsample = Upsampling(channels)

    def forward(self, x, factors, size):
        """Images enlarged by exact (vertical, horizontal) factors to `size`."""
        scale = torch.tensor([float(factor) for factor in factors])
        head = x = self.head(self.sub_mean(x))
        self.features = []
        for group, adaption in zip(self.body[:-1], self.sa_adapt, strict=True):
            x = adaption(group(x), scale)
            self.features.append(x)
        x = self.sa_upsample(head + self.body[-1](x), factors, size)
        return self.add_mean(self.tail["1"](x))
