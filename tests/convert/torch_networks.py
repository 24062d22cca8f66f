"""EDSR and RCAN in PyTorch, after the papers, with the keys of their published checkpoints."""

import torch
from torch import nn

MEAN = (0.4488, 0.4371, 0.4040)


def conv(before, after, size=3):
    return nn.Conv2d(before, after, size, padding=size // 2)


class MeanShift(nn.Conv2d):
    def __init__(self, sign):
        super().__init__(3, 3, 1)
        self.weight.data = torch.eye(3).view(3, 3, 1, 1)
        self.bias.data = sign * 255 * torch.tensor(MEAN)
        self.requires_grad_(False)


class ResBlock(nn.Module):
    def __init__(self, channels, res_scale):
        super().__init__()
        self.body = nn.Sequential(conv(channels, channels), nn.ReLU(), conv(channels, channels))
        self.res_scale = res_scale

    def forward(self, x):
        return x + self.res_scale * self.body(x)


class Attention(nn.Module):
    def __init__(self, channels, reduction):
        super().__init__()
        few = channels // reduction
        self.conv_du = nn.Sequential(conv(channels, few, 1), nn.ReLU(), conv(few, channels, 1), nn.Sigmoid())

    def forward(self, x):
        return x * self.conv_du(x.mean((2, 3), keepdim=True))


class Residual(nn.Module):
    """x + body(x): RCAN's blocks and its groups."""

    def __init__(self, *layers):
        super().__init__()
        self.body = nn.Sequential(*layers)

    def forward(self, x):
        return x + self.body(x)


def rcan_group(channels, blocks, reduction):
    def block():
        return Residual(conv(channels, channels), nn.ReLU(), conv(channels, channels), Attention(channels, reduction))

    return Residual(*(block() for _ in range(blocks)), conv(channels, channels))


def upsampler(channels, scale):
    factors = [3] if scale == 3 else [2] * (scale.bit_length() - 1)
    layers = [layer for f in factors for layer in (conv(channels, f * f * channels), nn.PixelShuffle(f))]
    return nn.Sequential(*layers)


class Network(nn.Module):
    """Both: they differ in their blocks alone. `features` holds what each block and the upsampler made."""

    def __init__(self, blocks, channels, scale):
        super().__init__()
        self.sub_mean, self.add_mean = MeanShift(-1), MeanShift(1)
        self.head = nn.Sequential(conv(3, channels))
        self.body = nn.Sequential(*blocks, conv(channels, channels))
        self.tail = nn.Sequential(upsampler(channels, scale), conv(channels, 3))

    def forward(self, x):
        head = x = self.head(self.sub_mean(x))
        self.features = []
        for block in self.body[:-1]:
            x = block(x)
            self.features.append(x)
        return self.add_mean(self.tail(head + self.body[-1](x)))


def edsr(blocks, channels, scale, res_scale=1.0):
    return Network([ResBlock(channels, res_scale) for _ in range(blocks)], channels, scale)


def rcan(groups, blocks, channels, scale, reduction=16):
    return Network([rcan_group(channels, blocks, reduction) for _ in range(groups)], channels, scale)


class BasicBlock(nn.Module):
    """BasicSR's names: conv1, conv2."""

    def __init__(self, channels):
        super().__init__()
        self.conv1, self.conv2 = conv(channels, channels), conv(channels, channels)

    def forward(self, x):
        return x + self.conv2(torch.relu(self.conv1(x)))


class BasicAttention(nn.Module):
    def __init__(self, channels, reduction):
        super().__init__()
        few = channels // reduction
        layers = [conv(channels, few, 1), nn.ReLU(), conv(few, channels, 1), nn.Sigmoid()]
        self.attention = nn.Sequential(nn.AdaptiveAvgPool2d(1), *layers)

    def forward(self, x):
        return x * self.attention(x)


class BasicRCAB(nn.Module):
    def __init__(self, channels, reduction):
        super().__init__()
        layers = conv(channels, channels), nn.ReLU(), conv(channels, channels), BasicAttention(channels, reduction)
        self.rcab = nn.Sequential(*layers)

    def forward(self, x):
        return x + self.rcab(x)


class BasicGroup(nn.Module):
    def __init__(self, channels, blocks, reduction):
        super().__init__()
        self.residual_group = nn.Sequential(*(BasicRCAB(channels, reduction) for _ in range(blocks)))
        self.conv = conv(channels, channels)

    def forward(self, x):
        return x + self.conv(self.residual_group(x))


class BasicNetwork(nn.Module):
    """EDSR or RCAN as BasicSR writes them: images in 0..1, the mean colour no parameter."""

    def __init__(self, blocks, channels, scale):
        super().__init__()
        self.conv_first = conv(3, channels)
        self.body = nn.Sequential(*blocks)
        self.conv_after_body = conv(channels, channels)
        self.upsample = upsampler(channels, scale)
        self.conv_last = conv(channels, 3)

    def forward(self, x):
        mean = torch.tensor(MEAN).view(1, 3, 1, 1)
        head = self.conv_first((x - mean) * 255)
        return self.conv_last(self.upsample(head + self.conv_after_body(self.body(head)))) / 255 + mean


def basic_edsr(blocks, channels, scale):
    return BasicNetwork([BasicBlock(channels) for _ in range(blocks)], channels, scale)


def basic_rcan(groups, blocks, channels, scale, reduction=16):
    return BasicNetwork([BasicGroup(channels, blocks, reduction) for _ in range(groups)], channels, scale)
