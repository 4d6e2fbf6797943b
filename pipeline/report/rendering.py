"""From a matplotlib figure to an SVG that lives in the page, and to a PNG file."""

from __future__ import annotations

import functools
import hashlib
import io
import re
import warnings
from collections.abc import Callable
from typing import ParamSpec, TypeVar
from xml.etree import ElementTree

import matplotlib as mpl
from matplotlib.figure import Figure

from headstart.pipeline.report.palette import GRID, INK, MUTED, light, variables

_P = ParamSpec("_P")
_R = TypeVar("_R")

_STYLE = {
    "svg.fonttype": "none",  # text stays text, in the page's own font
    "svg.hashsalt": "headstart",
    "text.parse_math": False,  # a class may be named $x$
    "text.color": light(INK),
    "font.size": 10,
    "axes.edgecolor": light(MUTED),
    "axes.labelcolor": light(MUTED),
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "axes.axisbelow": True,
    "grid.color": light(GRID),
    "grid.linewidth": 0.7,
    "legend.fontsize": 9.5,
    "xtick.color": light(GRID),
    "ytick.color": light(GRID),
    "xtick.labelcolor": light(MUTED),
    "ytick.labelcolor": light(MUTED),
    "legend.frameon": False,
    "lines.linewidth": 1.8,
}
_NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}
_REFERENCE = re.compile(r"url\(#([^)]+)\)")


def styled(draw: Callable[_P, _R]) -> Callable[_P, _R]:
    """Run a function that draws or saves under the report's style, whatever the style of the process."""

    @functools.wraps(draw)
    def inner(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        with mpl.rc_context(_STYLE), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph .* missing")  # the browser has other fonts
            return draw(*args, **kwargs)

    return inner


@styled
def png(figure: Figure, dpi: int = 150) -> bytes:
    """The figure on white, for files."""
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=dpi, facecolor="white")
    return out.getvalue()


@styled
def svg(figure: Figure) -> str:
    """The figure as an element of an HTML page; its label is what a screen reader says.

    It takes the page's font, its width and, by CSS variables, its colours. Its ids begin with a digest of
    it, so that several figures fit into one page.
    """
    out = io.BytesIO()
    figure.savefig(out, format="svg", transparent=True, metadata=_NO_METADATA)
    digest = hashlib.sha256(out.getvalue() + str(figure.get_label()).encode()).hexdigest()[:8]
    root = ElementTree.fromstring(out.getvalue())
    for child in [c for c in root if c.find("{*}style") is not None]:
        root.remove(child)  # it would style the whole page
    colours = variables()
    names = {id(e): e.get("id") for e in root.iter()}
    used = {name for element in root.iter() for name in _references(element)}
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        element.text = element.text if element.text and element.text.strip() else None
        element.tail = None
        attributes = {key.rpartition("}")[2]: value for key, value in element.attrib.items() if key != "id"}
        if (name := names[id(element)]) in used:
            attributes["id"] = f"f{digest}-{name}"
        if "href" in attributes:
            attributes["href"] = f"#f{digest}-{attributes['href'][1:]}"
        if "clip-path" in attributes:
            attributes["clip-path"] = _REFERENCE.sub(rf"url(#f{digest}-\1)", attributes["clip-path"])
        if "style" in attributes:
            attributes["style"] = _themed(attributes["style"], colours)
        if "d" in attributes:
            attributes["d"] = " ".join(attributes["d"].split())
        element.attrib.clear()
        element.attrib.update(attributes)
    root.attrib.clear()
    width, height = figure.get_size_inches() * 72
    root.attrib.update(
        {
            "class": "chart",
            "role": "img",
            "aria-label": str(figure.get_label()),
            "viewBox": f"0 0 {width:g} {height:g}",
        }
    )
    return ElementTree.tostring(root, encoding="unicode", short_empty_elements=True)


def _references(element: ElementTree.Element) -> list[str]:
    links = [value[1:] for key, value in element.attrib.items() if key.endswith("href")]
    return links + _REFERENCE.findall(element.get("clip-path", ""))


def _themed(style: str, colours: dict[str, str]) -> str:
    """The style with variables for colours and without a font family."""
    pairs = [item.split(":", 1) for item in style.split(";") if ":" in item]
    return "; ".join(
        f"{key.strip()}: {colours.get(value.strip(), value.strip())}"
        for key, value in pairs
        if key.strip() != "font-family"
    )
