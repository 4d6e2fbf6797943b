"""Keeps OpenBLAS from its slowest kernels on a processor that is newer than it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_ASK = "import numpy, threadpoolctl; print([i.get('architecture') for i in threadpoolctl.threadpool_info()])"
_SLOWEST = "Prescott"  # what OpenBLAS takes for any processor that it does not know
_KERNELS = {  # the fastest first, with the processor's flags that they need
    "SkylakeX": {"avx512f", "avx512bw", "avx512dq", "avx512vl"},
    "Haswell": {"avx2", "fma"},
}


def choose_kernels() -> None:
    """Name OpenBLAS's kernels for AVX2 or AVX-512 where it would take the slowest although they would run.

    numpy 1.26 brings an OpenBLAS of 2023; on newer processors its matrix products then take four times as
    long. To be called before numpy is imported. What the user has set in `OPENBLAS_CORETYPE` stays.
    """
    processor = Path("/proc/cpuinfo")
    if "OPENBLAS_CORETYPE" in os.environ or not processor.is_file():
        return
    flags = set(processor.read_text(encoding="utf-8").split())
    kernels = next((name for name, needed in _KERNELS.items() if needed <= flags), None)
    if kernels is None:
        return
    asked = subprocess.run([sys.executable, "-c", _ASK], capture_output=True, text=True, check=False)
    if _SLOWEST in asked.stdout:
        os.environ["OPENBLAS_CORETYPE"] = kernels
