"""Importing this lets commands run from a checkout that is not installed."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
for folder in map(str, (ROOT / "tests", ROOT)):
    if folder not in sys.path:
        sys.path.insert(0, folder)
