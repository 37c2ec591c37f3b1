"""Writes viridis.json: the 256 colours of matplotlib's viridis, red, green and blue as levels of 0 to 255.

src/explain/colourMap.ts holds every 255/32th of them, interpolated where it falls between two, rounded.
"""

import json
from pathlib import Path

from matplotlib import colormaps

levels = [[round(255 * part) for part in colour] for colour in colormaps["viridis"].colors]
lines = ",\n".join(json.dumps(colour) for colour in levels)
Path(__file__).with_suffix(".json").write_text(f"[\n{lines}\n]\n")
