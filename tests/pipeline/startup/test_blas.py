"""OpenBLAS is told which kernels to take, and only where it needs to be."""

import subprocess
from types import SimpleNamespace

import pytest

from headstart.pipeline.startup import blas


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A processor with some flags, and what OpenBLAS says that it takes it for."""

    def make(flags, taken_for):
        monkeypatch.setenv("OPENBLAS_CORETYPE", "")
        monkeypatch.delenv("OPENBLAS_CORETYPE")
        (tmp_path / "cpuinfo").write_text(f"flags : fpu {flags} hypervisor\n", encoding="utf-8")
        monkeypatch.setattr(blas, "Path", lambda _: tmp_path / "cpuinfo")
        answer = SimpleNamespace(stdout=f"['{taken_for}']")
        monkeypatch.setattr(subprocess, "run", lambda *_, **__: answer)

    return make


@pytest.mark.parametrize(
    "flags, taken_for, wanted",
    [
        ("fma avx2", "Prescott", "Haswell"),
        ("fma avx2 avx512f", "Prescott", "Haswell"),
        ("fma avx2 avx512f avx512bw avx512dq avx512vl", "Prescott", "SkylakeX"),
        ("fma avx2 avx512f avx512bw avx512dq avx512vl", "SkylakeX", None),
        ("sse3", "Prescott", None),
    ],
)
def test_faster_kernels_are_named_where_openblas_does_not_know_the_processor(
    machine, flags, taken_for, wanted
):
    machine(flags, taken_for)
    blas.choose_kernels()
    assert blas.os.environ.get("OPENBLAS_CORETYPE") == wanted


def test_what_the_user_has_set_stays(machine, monkeypatch):
    machine("avx2 fma", "Prescott")
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Zen")
    blas.choose_kernels()
    assert blas.os.environ["OPENBLAS_CORETYPE"] == "Zen"
