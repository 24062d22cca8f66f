"""ArbEDSR in PyTorch, written step by step as the paper describes it: the reference for our speed.

The heads run at every HR pixel and features are read by grid_sample; the masks' hourglass, the depth-wise convs and
the rest are PyTorch's own layers.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from arbsr_jax.models.adaption import MASK_WIDTH
from arbsr_jax.models.config import ModelConfig
from arbsr_jax.models.hyper import FC_WIDTH
from arbsr_jax.models.layers import RGB_MEAN


def conv(before: int, after: int, size: int = 3) -> nn.Conv2d:
    """A conv that keeps height and width."""
    return nn.Conv2d(before, after, size, padding=size // 2)


def trunk(inputs: int) -> nn.Sequential:
    """The two fully connected layers before the heads."""
    return nn.Sequential(nn.Linear(inputs, FC_WIDTH), nn.ReLU(), nn.Linear(FC_WIDTH, FC_WIDTH), nn.ReLU())


class ResBlock(nn.Module):
    """EDSR's."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.body = nn.Sequential(
            conv(config.channels, config.channels), nn.ReLU(), conv(config.channels, config.channels)
        )
        self.res_scale = config.res_scale

    def forward(self, x: Tensor) -> Tensor:
        """Features of the same shape."""
        return x + self.res_scale * self.body(x)


class Adaption(nn.Module):
    """Scale-aware feature adaption with its mask."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels, self.trunk = channels, trunk(2)
        self.kernel, self.bias, self.mix = (
            nn.Linear(FC_WIDTH, 9 * channels),
            nn.Linear(FC_WIDTH, channels),
            conv(channels, channels, 1),
        )
        self.squeeze = nn.Sequential(conv(channels, MASK_WIDTH), nn.ReLU(), nn.AvgPool2d(2))
        self.middle = nn.Sequential(conv(MASK_WIDTH, MASK_WIDTH), nn.ReLU(), conv(MASK_WIDTH, MASK_WIDTH), nn.ReLU())
        self.expand = conv(MASK_WIDTH, 1)

    def forward(self, x: Tensor, scale: Tensor) -> Tensor:
        """Fused features (Eq. 3)."""
        code = self.trunk(scale)
        kernel = self.kernel(code).view(self.channels, 1, 3, 3)
        adapted = self.mix(functional.conv2d(x, kernel, self.bias(code), padding=1, groups=self.channels))
        small = self.middle(self.squeeze(x))
        mask = self.expand(functional.interpolate(small, x.shape[2:], mode="bilinear", align_corners=False))
        return x + adapted * torch.sigmoid(mask)


class Upsampling(nn.Module):
    """Scale-aware upsampling, with the heads at every HR pixel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.trunk, self.mix = trunk(4), conv(channels, channels, 1)
        self.kernel, self.bias, self.offset = (nn.Linear(FC_WIDTH, n) for n in (channels, channels, 2))

    def forward(self, x: Tensor, scale: Tensor, size: tuple[int, int]) -> Tensor:
        """Features of HR size."""
        places = [(torch.arange(n) + 0.5) / s - 0.5 for n, s in zip(size, scale, strict=True)]
        relative = [place - torch.floor(place + 0.5) for place in places]
        inputs = torch.stack([*(s.expand(size) for s in scale), *torch.meshgrid(*relative, indexing="ij")], dim=-1)
        code = self.trunk(inputs)
        position = torch.stack(torch.meshgrid(*places, indexing="ij"), dim=-1) + self.offset(code)
        length = torch.tensor(x.shape[2:])
        grid = ((2 * position + 1) / length - 1).flip(-1).expand(x.shape[0], *size, 2)
        sampled = functional.grid_sample(x, grid, "bilinear", padding_mode="border", align_corners=False)
        kernel, bias = (head(code).permute(2, 0, 1)[None] for head in (self.kernel, self.bias))
        return self.mix(sampled * kernel + bias)


class ArbEDSR(nn.Module):
    """The whole network, with masked adaption and scale-aware upsampling."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        channels = config.channels
        self.head, self.tail = conv(3, channels), conv(channels, 3)
        self.blocks = nn.ModuleList(ResBlock(config) for _ in range(config.blocks))
        self.adaptions = nn.ModuleList(Adaption(channels) for _ in range(config.blocks // config.interval))
        self.body_conv, self.upsampling, self.interval = conv(channels, channels), Upsampling(channels), config.interval
        self.register_buffer("mean", torch.tensor(RGB_MEAN).view(1, 3, 1, 1))

    def forward(self, image: Tensor, scale: tuple[float, float], size: tuple[int, int]) -> Tensor:
        """[batch, 3, height, width] in 0..255, (r_v, r_h), HR (height, width)."""
        scale = torch.tensor(scale)
        head = x = self.head(image - self.mean)
        for index, block in enumerate(self.blocks):
            x = block(x)
            if (index + 1) % self.interval == 0:
                x = self.adaptions[index // self.interval](x, scale)
        x = self.upsampling(head + self.body_conv(x), scale, size)
        return self.tail(x) + self.mean
