"""A canvas to draw on, in inches from the top left: text that is measured, bars, lines and images.

It needs matplotlib, which is an extra, and uses the fonts that come with it. The user's settings are ignored,
so that the same drawing gives the same bytes.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from copilot.errors import MissingExtraError

if TYPE_CHECKING:
    from matplotlib.font_manager import FontProperties

DPI = 180
_POINTS_PER_INCH = 72


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle."""

    left: float
    top: float
    width: float
    height: float


@contextmanager
def open_canvas(width: float, *, what: str) -> Iterator[Canvas]:
    """Open a canvas to draw `what` on. Raises MissingExtraError if matplotlib is not installed."""
    try:
        from matplotlib import style  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingExtraError(what, "view") from error
    # The user's own style would change the picture.
    with style.context("default"):
        yield Canvas(width)


class Canvas:
    """A white canvas of a fixed width. `set_height` comes before anything is drawn."""

    def __init__(self, width: float) -> None:
        import matplotlib as mpl  # noqa: PLC0415 - an extra
        from matplotlib import font_manager  # noqa: PLC0415
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
        from matplotlib.figure import Figure  # noqa: PLC0415

        folder = Path(mpl.get_data_path(), "fonts", "ttf")
        files = {False: folder / "DejaVuSans.ttf", True: folder / "DejaVuSans-Bold.ttf"}
        self._fonts = {bold: font_manager.FontProperties(fname=file) for bold, file in files.items()}
        self._known = frozenset(font_manager.get_font(files[False]).get_charmap())
        self._width = width
        self._figure = Figure(figsize=(width, 1), dpi=DPI, facecolor="white")
        self._agg = FigureCanvasAgg(self._figure)
        self._axes = self._figure.add_axes((0, 0, 1, 1))
        # Later shapes lie above earlier ones, whatever their kind.
        self._order = itertools.count(1)

    def set_height(self, height: float) -> None:
        """Set the height, in inches."""
        self._figure.set_size_inches(self._width, height)
        self._axes.set(xlim=(0, self._width), ylim=(height, 0), autoscale_on=False)
        self._axes.set_axis_off()

    def to_png(self) -> bytes:
        """Return the canvas as a PNG file."""
        data = io.BytesIO()
        self._figure.savefig(data, format="png", dpi=DPI, metadata={"Software": None})
        return data.getvalue()

    def draw_text(
        self,
        x: float,
        y: float,
        text: str,
        size: float,
        color: str,
        *,
        align: Literal["left", "center", "right"] = "left",
        bold: bool = False,
        struck: bool = False,
    ) -> None:
        """Draw one line of text, vertically centred on `y`; `struck` draws a line through it."""
        self._axes.text(
            x,
            y,
            self._replace_unprintable(text),
            size=size,
            color=color,
            ha=align,
            va="center_baseline",
            fontproperties=self._font(size, bold=bold),
            parse_math=False,
            zorder=next(self._order),
        )
        if struck:
            left = x - {"left": 0.0, "center": 0.5, "right": 1.0}[align] * self.measure_text(text, size)
            self.draw_line((left, left + self.measure_text(text, size)), (y, y), color, 0.9)

    def measure_text(self, text: str, size: float, *, bold: bool = False) -> float:
        """Return the width of a line of text, in inches."""
        renderer: Any = self._agg.get_renderer()  # type: ignore[no-untyped-call]
        font = self._font(size, bold=bold)
        width, _, _ = renderer.get_text_width_height_descent(
            self._replace_unprintable(text), font, ismath=False
        )
        return float(width) / DPI

    def shorten(self, text: str, size: float, width: float) -> str:
        """Return the text, or as much of its start as fits with an ellipsis."""
        if self.measure_text(text, size) <= width:
            return text
        low, high = 0, len(text)
        while low < high:
            middle = (low + high + 1) // 2
            short = text[:middle].rstrip() + "…"
            low, high = (middle, high) if self.measure_text(short, size) <= width else (low, middle - 1)
        return text[:low].rstrip() + "…"

    def wrap(self, text: str, size: float, width: float, n_lines: int) -> list[str]:
        """Break the text between words into at most `n_lines`, the last of which may be shortened."""
        lines: list[str] = []
        words = text.split()
        while words and len(lines) < n_lines - 1:
            n_words = 1
            while n_words < len(words) and self.measure_text(" ".join(words[: n_words + 1]), size) <= width:
                n_words += 1
            lines.append(self.shorten(" ".join(words[:n_words]), size, width))
            words = words[n_words:]
        if words:
            lines.append(self.shorten(" ".join(words), size, width))
        return lines

    def draw_box(
        self,
        box: Box,
        *,
        fill: str = "none",
        edge: str = "none",
        line_points: float = 0.0,
        radius: float = 0.0,
        hatch: str | None = None,
        dashed: bool = False,
    ) -> None:
        """Draw a rectangle with rounded corners. Its edge lies wholly inside."""
        from matplotlib.patches import FancyBboxPatch  # noqa: PLC0415

        inset = line_points / _POINTS_PER_INCH / 2
        self._axes.add_patch(
            FancyBboxPatch(
                (box.left + inset, box.top + inset),
                max(box.width - 2 * inset, 0.005),
                box.height - 2 * inset,
                boxstyle=f"round,pad=0,rounding_size={min(radius, box.width / 2)}",
                facecolor=fill,
                edgecolor=edge,
                linewidth=line_points,
                hatch=hatch,
                linestyle=(0, (3, 2)) if dashed else "solid",
                zorder=next(self._order),
            )
        )

    def draw_line(self, xs: tuple[float, float], ys: tuple[float, float], color: str, points: float) -> None:
        """Draw a straight line."""
        order = next(self._order)
        self._axes.plot(xs, ys, color=color, linewidth=points, solid_capstyle="butt", zorder=order)

    def draw_dot(self, x: float, y: float, radius: float, fill: str, edge: str | None = None) -> None:
        """Draw a disc."""
        from matplotlib.patches import Circle  # noqa: PLC0415

        disc = Circle((x, y), radius, facecolor=fill, edgecolor=edge or fill, linewidth=1.0)
        disc.set_zorder(next(self._order))
        self._axes.add_patch(disc)

    def draw_image(self, box: Box, values: NDArray[np.float32], scale: tuple[float, float]) -> None:
        """Draw values, shape (rows from the bottom up, columns), in the colours of a scale."""
        self._axes.imshow(
            values,
            extent=(box.left, box.left + box.width, box.top + box.height, box.top),
            origin="lower",
            aspect="auto",
            cmap="magma",
            vmin=scale[0],
            vmax=scale[1],
            interpolation="bilinear",
            zorder=next(self._order),
        )

    def _font(self, size: float, *, bold: bool) -> FontProperties:
        font = self._fonts[bold].copy()
        font.set_size(size)
        return font

    def _replace_unprintable(self, text: str) -> str:
        return "".join(c if ord(c) in self._known and c.isprintable() else "□" for c in text)
