"""Where everything lies, relative to the project folder."""

from pathlib import Path

DATA = Path("data")
MANIFEST = Path("manifest.csv")
WORK = Path(".headstart")  # MLMD, TFX's artifacts, logs; kept between runs, so that the cache holds
CANDIDATE = WORK / "candidate.json"  # what the study hands to promotion
REPORTS = Path("reports")
RECEIPTS = Path("receipts")  # DVC outs: what was run, never when or how well; see docs/architecture.md
SERVING = Path("serving")
RUNS = Path("mlruns")
LETTERS = Path("bases/letters.weights.h5")
