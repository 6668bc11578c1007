"""The ground drawn over the picture as a grid, with the horizon and the axes of the world.

Three handles lie on the grid and are dragged up and down: the one under the subject moves the ground, the one behind it
inclines it, the one beside it rolls it. The first drag of a ground that was found makes it a given one, and asks for its
shadow as a layer where nothing else does. Where the camera
stands in the world's own axes and the ground does not roll, a height and a tilt are written, else three points
(docs/ground.md).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from PySide6.QtCore import QLineF, QObject, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPen

from . import theme
from .light_overlay import FIELD_OF_VIEW, REACH
from .session import Session

LINES = 8  # of the grid, to each side of the subject
BEHIND = 3.0  # times the subject's distance: the handle that inclines the ground
BESIDE = 0.28  # of the picture's width at the subject: the handle that rolls it
NEAREST = 0.08  # of the subject's distance: the grid begins there
SUBJECT = 2.0  # units to the subject where no depth says so (docs/rig.md)
LOW = 0.36  # of the picture's height below its middle: where a ground that nobody knows is first drawn
LEAST = 1e-3  # of the distance: the grid is not drawn for a ground that the camera sees edge on
AXES = (("X", QColor(224, 108, 96)), ("Y", QColor(120, 200, 120)), ("Z", QColor(110, 160, 240)))
ARM = 26.0  # px, of the axes
MARGIN = 46.0  # px, from the picture's corner to where the axes meet
Vector = tuple[float, float, float]


@dataclass(frozen=True)
class Slope:
    """The ground in the axes of the camera: y = below + roll x + rise (-z), in the depth's unit."""

    below: float
    roll: float
    rise: float

    def y(self, x: float, away: float) -> float:
        """The height of the ground at x, so far before the camera."""
        return self.below + self.roll * x + self.rise * away


class GroundOverlay(QObject):
    """Draws the ground of a session's job in a frame of the screen, and changes it by dragging."""

    changed = Signal()
    """What is drawn changed."""
    said = Signal(str)
    """A sentence about the ground that is drawn."""
    refused = Signal(str)
    """Why there is no ground to draw."""

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._slope: Slope | None = None
        self._half_view = math.radians(FIELD_OF_VIEW) / 2
        self._rotation: list[Vector] = [(1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)]
        self._position: Vector = (0.0, 0.0, 0.0)
        self._distance, self._held, self._step = SUBJECT, "", 0
        self._told = ""
        self.shown = False
        session.pictureReady.connect(lambda *_: self._ask())
        session.parameterChanged.connect(self._parameter_changed)

    def setShown(self, on: bool) -> None:
        """Draw the ground, or not."""
        if on != self.shown:
            self.shown = on
            self._ask()
            self.changed.emit()

    def setDistance(self, distance: float | None) -> None:
        """How far the subject is, in the depth's unit; None where no depth says so."""
        self._distance = distance or SUBJECT

    def slope(self) -> Slope | None:
        """The ground that is drawn; None before it is known."""
        return self._slope

    def handles(self, frame: QRectF) -> dict[str, QPointF]:
        """Where the handles are, by what they change: `height`, `tilt` and `roll`."""
        if self._slope is None:
            return {}
        return {name: self._seen(*spot, frame) for name, spot in self._spots(frame).items()}

    def horizon(self, frame: QRectF) -> QLineF:
        """Where the ground ends, across the frame."""
        slope, focal = self._slope or Slope(0, 0, 0), self._focal(frame)
        # Far away y / away is the rise and what the roll adds.
        half = frame.width() / 2 / focal
        ends = [(x, slope.rise + slope.roll * x) for x in (-half, half)]
        return QLineF(*(frame.center() + QPointF(x * focal, -y * focal) for x, y in ends))

    def paint(self, painter: QPainter, frame: QRectF) -> None:
        """Draw the grid, the horizon, the handles and the axes."""
        if not self.shown or self._slope is None:
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setClipRect(frame)
        self._paint_grid(painter, frame)
        for colour, width, style in (
            (QColor(0, 0, 0, 130), 3.0, Qt.PenStyle.SolidLine),
            (QColor(150, 200, 235), 1.2, Qt.PenStyle.DashLine),
        ):
            painter.setPen(QPen(colour, width, style))
            painter.drawLine(self.horizon(frame))
        for name, at in self.handles(frame).items():
            held = name == self._held
            painter.setPen(QPen(QColor(0, 0, 0, 170), 3))
            painter.setBrush(QColor(theme.ACCENT) if name == "height" or held else QColor(theme.TEXT))
            painter.drawEllipse(at, 6.0, 6.0)
            _label(painter, at + QPointF(11, 4), name)
        seen = frame.intersected(QRectF(painter.viewport()))  # what zooming leaves of it
        self._paint_axes(painter, seen.topRight() + QPointF(-MARGIN, MARGIN))
        _label(painter, seen.topLeft() + QPointF(12, 22), self._told)
        painter.restore()

    def press(self, at: QPointF, frame: QRectF) -> bool:
        """Take hold of the handle under the pointer; False where there is none."""
        if not self.shown:
            return False
        for name, handle in self.handles(frame).items():
            if math.hypot(handle.x() - at.x(), handle.y() - at.y()) <= REACH:
                self._held, self._step = name, self._step + 1
                return True
        return False

    def move(self, at: QPointF, frame: QRectF) -> None:
        """Drag the handle that is held up or down."""
        if not self._held or self._slope is None:
            return
        slope, (_, away) = self._slope, self._spots(frame)[self._held]
        y = (frame.center().y() - at.y()) / self._focal(frame) * away
        (_, near), (beside, _) = self._spots(frame)["height"], self._spots(frame)["roll"]
        foot = slope.y(0.0, near)
        if self._held == "height":
            slope = replace(slope, below=slope.below + y - foot)
        elif self._held == "tilt":
            rise = (y - foot) / (away - near)
            slope = replace(slope, rise=rise, below=foot - rise * near)
        else:
            slope = replace(slope, roll=(y - foot) / beside)
        self._slope = slope
        self._session.set("ground", self._text(frame), step=f"ground {self._step}")
        p = self._session.job.parameters
        if not p.over and "shadow" not in p.layers:
            self._session.set("layers", (*p.layers, "shadow"), step=f"ground {self._step}")
            self.said.emit("the layer shadow is written, too: multiply the background with it")
        self.changed.emit()

    def release(self) -> None:
        """Let go."""
        self._held = ""
        self.changed.emit()

    def _parameter_changed(self, name: str, value: Any) -> None:
        if name in ("ground", "camera", "depth", "depth_kind", "passes", "plate", "matte") and not self._held:
            self._ask()

    def _ask(self) -> None:
        if self.shown and not self._held and self._session.job.parameters.plate and self._session.frame is not None:
            self._session.askGround(self._take, self._refused)

    def _take(self, facts: dict[str, Any]) -> None:
        if self._held:
            return
        self._half_view = math.radians(facts["fov"]) / 2
        self._rotation = [tuple(row) for row in facts["rotation"]]
        self._position = tuple(facts["position"])
        slope = None if facts["ground"] is None else self._from_world(*facts["ground"])
        if slope is None:
            self._slope = Slope(-LOW * self._distance * 2 * math.tan(self._half_view) * 9 / 16, 0.0, 0.0)
            absent = self._session.job.parameters.ground == "none"
            self._told = (
                "no ground; drag the grid to have one" if absent else "no ground is found; drag the grid to where it is"
            )
        else:
            self._slope = slope
            self._told = "ground as given" if facts["given"] else "ground as found under the subject"
        self.changed.emit()

    def _refused(self, sentence: str) -> None:
        self._slope = None
        self.refused.emit(sentence)
        self.changed.emit()

    def _spots(self, frame: QRectF) -> dict[str, tuple[float, float]]:
        """Where the handles lie on the ground: x, and how far before the camera."""
        beside = BESIDE * frame.width() / self._focal(frame) * self._distance
        return {
            "height": (0.0, self._distance),
            "tilt": (0.0, BEHIND * self._distance),
            "roll": (beside, self._distance),
        }

    def _focal(self, frame: QRectF) -> float:
        return frame.width() / 2 / math.tan(self._half_view)

    def _seen(self, x: float, away: float, frame: QRectF) -> QPointF:
        """Where a point of the ground is in the frame."""
        assert self._slope is not None
        scale = self._focal(frame) / away
        return frame.center() + QPointF(x * scale, -self._slope.y(x, away) * scale)

    def _from_world(self, nx: float, ny: float, nz: float, offset: float) -> Slope | None:
        """A plane of the world in the camera's axes; None where it stands upright before the camera."""
        columns = list(zip(*self._rotation, strict=True))
        a, b, c = (sum(axis[row] * n for row, n in enumerate((nx, ny, nz))) for axis in columns)
        offset -= sum(n * p for n, p in zip((nx, ny, nz), self._position, strict=True))
        return None if abs(b) < LEAST else Slope(offset / b, -a / b, c / b)

    def _text(self, frame: QRectF) -> str:
        """The ground as a job states it."""
        slope = self._slope
        assert slope is not None
        level = all(abs(self._rotation[i][j] - (i == j)) < 1e-9 for i in range(3) for j in range(3)) and not any(
            self._position
        )
        if level and abs(slope.roll) < LEAST:
            # y = -height + tan(tilt) away, whose horizon is up by the tilt.
            return f"{-slope.below:.4g},{math.degrees(math.atan(slope.rise)):.4g}"
        points = [(x, slope.y(x, away), -away) for x, away in self._spots(frame).values()]
        return ",".join(f"{value:.5g}" for point in points for value in self._to_world(point))

    def _to_world(self, point: Vector) -> list[float]:
        return [
            sum(r * v for r, v in zip(row, point, strict=True)) + p
            for row, p in zip(self._rotation, self._position, strict=True)
        ]

    def _paint_grid(self, painter: QPainter, frame: QRectF) -> None:
        """Lines of the ground at even distances around the subject, fainter the farther."""
        step = self._distance / 4
        nearest = NEAREST * self._distance
        for number in range(-LINES, LINES + 1):
            x, away = number * step, self._distance + number * step
            self._paint_line(
                painter,
                frame,
                (x, max(self._distance - LINES * step, nearest)),
                (x, self._distance + LINES * step),
                not number,
            )
            if away > nearest:
                self._paint_line(painter, frame, (-LINES * step, away), (LINES * step, away), not number)

    def _paint_line(
        self, painter: QPainter, frame: QRectF, one: tuple[float, float], other: tuple[float, float], main: bool
    ) -> None:
        line = QLineF(self._seen(*one, frame), self._seen(*other, frame))
        for colour, width in (
            (QColor(0, 0, 0, 90), 2.4),
            (QColor(150, 200, 235, 230 if main else 130), 1.4 if main else 1.0),
        ):
            painter.setPen(QPen(colour, width))
            painter.drawLine(line)

    def _paint_axes(self, painter: QPainter, middle: QPointF) -> None:
        """The world's axes as the camera sees them, around a point."""
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(0, 0, 0, 110))
        painter.drawEllipse(middle, ARM + 14, ARM + 14)
        seen = []
        for row, (letter, colour) in zip(self._rotation, AXES, strict=True):
            x, y, z = row  # the axis of the world in the camera's axes
            seen.append((z, QPointF(x * ARM, -y * ARM), letter, colour))
        for z, tip, letter, colour in sorted(seen, key=lambda axis: axis[0]):
            painter.setPen(QPen(colour, 2.2))
            painter.drawLine(middle, middle + tip)
            painter.setBrush(colour if z >= 0 else QColor(0, 0, 0, 160))
            painter.drawEllipse(middle + tip, 7.0, 7.0)
            painter.setPen(QColor(20, 20, 20) if z >= 0 else colour)
            painter.drawText(QRectF(-7, -7, 14, 14).translated(middle + tip), Qt.AlignmentFlag.AlignCenter, letter)
        painter.setBrush(Qt.BrushStyle.NoBrush)


def _label(painter: QPainter, at: QPointF, text: str) -> None:
    """Text on a dark ground, its base line at a point."""
    box = QRectF(painter.fontMetrics().boundingRect(text)).adjusted(-4, -1, 4, 1).translated(at)
    painter.fillRect(box, QColor(0, 0, 0, 150))
    painter.setPen(QColor(theme.TEXT))
    painter.drawText(at, text)
