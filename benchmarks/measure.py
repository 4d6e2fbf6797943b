"""What one run of one contender measures, and how it tells."""

from __future__ import annotations

import argparse
import json
import resource
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Measured:
    """One run; seconds from the first image read to the trained model, without imports and the test split."""

    seconds: float
    accuracy: float  # on the test split
    images: int  # of the test split
    parts: dict[str, float] = field(default_factory=dict)
    peak_mb: float = 0.0  # of the process's resident memory

    @staticmethod
    def main(parser: argparse.ArgumentParser, run: Callable[[argparse.Namespace], Measured]) -> None:
        """Run one contender from the command line and print its figures as one line of JSON."""
        parser.add_argument("--data", type=Path, required=True, help="folder of train/, validation/, test/")
        parser.add_argument("--weights", type=Path, required=True, help="MobileNetV2 (alpha 1.0), no top")
        parser.add_argument("--size", type=int, default=160, help="side of the images, pixels")
        parser.add_argument("--seed", type=int, default=0)
        measured = run(parser.parse_args())
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({**asdict(measured), "peak_mb": peak}))
