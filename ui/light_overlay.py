"""The lights of a rig drawn over the picture, to be taken hold of.

A light that hangs before the subject is a dot on the spot it lights, and its ring is its distance. A light with a place of its
own is a dot there. A distant light is a dot around the middle of the picture: in the middle it shines from the camera, on the
circle from the side, beyond it from behind. The small square is a light's size. Positions are drawn as the camera of the shot
sees them, whether the rig is in its axes or in those of the world; what is written to the rig are pixels of the plate,
directions and units.
"""

from __future__ import annotations

import math
from typing import Any

from PySide6.QtCore import QObject, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPen

from . import theme
from .rig import Light, RigEditor

FIELD_OF_VIEW = 40.0  # degrees, of the picture's width, where no camera says otherwise (docs/rig.md)
SIDE = 0.28  # of the picture's shorter side: the circle of distant lights from the side
REACH = 11.0  # px around a handle that take hold of it
NEAREST = 0.25  # units before the camera at which a light that stands closer is drawn


class LightOverlay(QObject):
    """Draws the lights of an editor in a frame of the screen, and changes them by dragging."""

    changed = Signal()
    """What is drawn changed."""

    def __init__(self, rig: RigEditor, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rig = rig
        self._pixels, self._half_view = (0, 0), math.radians(FIELD_OF_VIEW) / 2
        self._held = ""
        self.shown, self.placing = False, False
        rig.changed.connect(self.changed)

    def setPlate(
        self, width: int, height: int, distance: float | None = None, field_of_view: float = FIELD_OF_VIEW
    ) -> None:
        """The size of the plate's display window, px, how far its subject is by a depth, and the camera's view, degrees."""
        self._pixels, self._half_view = (width, height), math.radians(field_of_view) / 2
        self._rig.setDistance(distance)

    def setCamera(self, rotation: list[list[float]], position: list[float]) -> None:
        """The camera of the picture in the world, through which a rig in the world's axes is seen."""
        self._rig.setCamera(rotation, position)

    def setShown(self, on: bool) -> None:
        """Draw the lights, or not."""
        self.shown = on
        self.changed.emit()

    def setPlacing(self, on: bool) -> None:
        """Whether a press on the picture puts the selected light there."""
        self.placing = on

    def position(self, index: int, frame: QRectF) -> QPointF:
        """Where a light is drawn in a frame."""
        light = self._rig.lights()[index]
        if light["kind"] == "distant":
            return self._from_direction(self._rig.seen(_plain(light["direction"]), point=False), frame)
        if "at" in light:
            x, y = _plain(light["at"])
            scale = frame.width() / max(self._pixels[0], 1)
            return QPointF(frame.left() + x * scale, frame.top() + y * frame.height() / max(self._pixels[1], 1))
        x, y, z = self._rig.seen(_plain(light["position"]), point=True)
        focal = self._focal(frame) / max(-z, NEAREST)
        return QPointF(frame.center().x() + x * focal, frame.center().y() - y * focal)

    def distanceHandle(self, index: int, frame: QRectF) -> QPointF | None:
        """Where the distance of a light that hangs before the subject is dragged; None for others."""
        light = self._rig.lights()[index]
        if "at" not in light or light["kind"] == "distant":
            return None
        return self.position(index, frame) + QPointF(self._ring(light, frame), 0)

    def sizeHandle(self, index: int, frame: QRectF) -> QPointF:
        """Where the size of a light is dragged."""
        offset = self._radius(self._rig.lights()[index], frame) / math.sqrt(2)
        return self.position(index, frame) + QPointF(offset, -offset)

    def paint(self, painter: QPainter, frame: QRectF) -> None:
        """Draw the lights, the selected one last."""
        if not self.shown or not self._rig.lights():
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        selected = self._rig.selected()
        order = sorted(range(len(self._rig.lights())), key=lambda index: index == selected)
        if any(light["kind"] == "distant" for light in self._rig.lights()):
            painter.setPen(QPen(QColor(255, 255, 255, 40), 1, Qt.PenStyle.DashLine))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            side = self._side(frame)
            painter.drawEllipse(frame.center(), side, side)
        for index in order:
            self._paint_light(painter, frame, index, index == selected)

    def _paint_light(self, painter: QPainter, frame: QRectF, index: int, selected: bool) -> None:
        light, at = self._rig.lights()[index], self.position(index, frame)
        colour = self.colour(index)
        on = light.get("on", True)
        edge = QColor(theme.ACCENT) if selected else QColor(220, 220, 220, 200 if on else 90)
        if light["kind"] == "distant":
            painter.setPen(QPen(QColor(255, 255, 255, 50), 1))
            painter.drawLine(frame.center(), at)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if selected:
            self._paint_handles(painter, frame, index)
        for shade, width in ((QColor(0, 0, 0, 150), 4.0), (edge, 1.6)):
            painter.setPen(QPen(shade, width, Qt.PenStyle.DashLine if self._behind(light) else Qt.PenStyle.SolidLine))
            painter.drawEllipse(at, 8.0, 8.0)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour if on else QColor(0, 0, 0, 0))
        painter.drawEllipse(at, 6.0, 6.0)
        text = str(light["name"])
        box = QRectF(painter.fontMetrics().boundingRect(text)).adjusted(-4, -1, 4, 1)
        box.moveTopLeft(at + QPointF(12, 4))
        painter.fillRect(box, QColor(0, 0, 0, 140))
        painter.setPen(QColor(theme.TEXT) if on else QColor(theme.DIM))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)

    def _paint_handles(self, painter: QPainter, frame: QRectF, index: int) -> None:
        light, at = self._rig.lights()[index], self.position(index, frame)
        radius = self._radius(light, frame)
        for colour, width in ((QColor(0, 0, 0, 120), 3.0), (QColor(theme.ACCENT), 1.2)):
            painter.setPen(QPen(colour, width))
            painter.drawEllipse(at, radius, radius)
        distance = self.distanceHandle(index, frame)
        if distance is not None:
            ring = self._ring(light, frame)
            painter.setPen(QPen(QColor(theme.ACCENT), 1, Qt.PenStyle.DotLine))
            painter.drawEllipse(at, ring, ring)
            painter.setPen(QPen(QColor(0, 0, 0, 170), 1.5))
            painter.setBrush(QColor(theme.ACCENT))
            painter.drawEllipse(distance, 4.5, 4.5)
        painter.setPen(QPen(QColor(0, 0, 0, 170), 1.5))
        painter.setBrush(QColor(theme.ACCENT))
        painter.drawRect(QRectF(-4.5, -4.5, 9, 9).translated(self.sizeHandle(index, frame)))
        painter.setBrush(Qt.BrushStyle.NoBrush)

    def colour(self, index: int) -> QColor:
        """The colour of a light on the screen."""
        facts = self._rig.facts
        return QColor.fromRgbF(*facts[index]["colour"]) if index < len(facts) else QColor(theme.TEXT)

    def press(self, at: QPointF, frame: QRectF) -> bool:
        """Take hold of what is under the pointer; False where that is nothing of a light."""
        if not self.shown:
            return False
        selected = self._rig.selected()
        if selected >= 0:
            handles = {"size": self.sizeHandle(selected, frame), "distance": self.distanceHandle(selected, frame)}
            for name, handle in handles.items():
                if handle is not None and _near(handle, at):
                    self._held = name
                    return True
        for index in reversed(range(len(self._rig.lights()))):
            if _near(self.position(index, frame), at):
                self._rig.select(index)
                self._held = "light"
                return True
        if self.placing and selected >= 0 and frame.contains(at):
            self._held = "place"
            self.move(at, frame)
            return True
        return False

    def move(self, at: QPointF, frame: QRectF) -> None:
        """Drag what is held."""
        index = self._rig.selected()
        if index < 0 or not self._held:
            return
        light = self._rig.lights()[index]
        away = math.hypot(at.x() - self.position(index, frame).x(), at.y() - self.position(index, frame).y())
        if self._held == "size":
            self._rig.set(index, size=self._size(light, away, frame))
        elif self._held == "distance":
            self._rig.set(index, out=round(max(away, 2.0) / self._unit(frame), 4))
        elif self._held == "place" or (self._held == "light" and "at" in light):
            x = min(max((at.x() - frame.left()) / frame.width(), 0.0), 1.0)
            y = min(max((at.y() - frame.top()) / frame.height(), 0.0), 1.0)
            self._rig.place(index, x, y, self._pixels)
        elif light["kind"] == "distant":
            self._rig.set(index, direction=self._rig.own(self._to_direction(at, frame), point=False))
        else:
            _, _, z = self._rig.seen(_plain(light["position"]), point=True)
            focal = self._focal(frame) / max(-z, NEAREST)
            moved = [(at.x() - frame.center().x()) / focal, (frame.center().y() - at.y()) / focal, z]
            self._rig.set(index, position=self._rig.own(moved, point=True))

    def release(self) -> None:
        """Let go."""
        self._held = ""

    def _side(self, frame: QRectF) -> float:
        return SIDE * min(frame.width(), frame.height())

    def _focal(self, frame: QRectF) -> float:
        return frame.width() / 2 / math.tan(self._half_view)

    def _unit(self, frame: QRectF) -> float:
        """Screen pixels of a unit at the subject."""
        return self._focal(frame) / self._rig.distance()

    def _ring(self, light: Light, frame: QRectF) -> float:
        return max(abs(_first(light.get("out", 0.3))) * self._unit(frame), 16.0)

    def _radius(self, light: Light, frame: QRectF) -> float:
        """The radius at which a light's size is drawn, px; large enough to be taken hold of."""
        if light["kind"] == "distant":
            return max(_first(light.get("size", 0.5)) / 90.0 * self._side(frame), 0.0) + 14.0
        half = _first(light.get("size", 0.5 if light["kind"] == "area" else 0.05))
        return (half / 2 if light["kind"] == "area" else half) * self._unit(frame) + 14.0

    def _size(self, light: Light, away: float, frame: QRectF) -> Any:
        away = max(away - 14.0, 0.0)
        if light["kind"] == "distant":
            return round(min(max(90.0 * away / self._side(frame), 0.1), 90.0), 2)
        length = max(away / self._unit(frame), 0.002)
        if light["kind"] != "area":
            return round(length, 4)
        wide, high = _plain(light.get("size", [0.5, 0.5]))
        return [round(2 * length, 4), round(2 * length * high / wide, 4)]

    def _from_direction(self, direction: tuple[float, ...], frame: QRectF) -> QPointF:
        x, y, z = direction
        flat, length = math.hypot(x, y), math.hypot(x, y, z) or 1.0
        away = math.acos(max(-1.0, min(1.0, z / length))) / (math.pi / 2) * self._side(frame)
        unit = (x / flat, y / flat) if flat > 1e-6 else (0.0, 1.0)
        return frame.center() + QPointF(unit[0] * away, -unit[1] * away)

    def _to_direction(self, at: QPointF, frame: QRectF) -> list[float]:
        across, up = at.x() - frame.center().x(), frame.center().y() - at.y()
        away = math.hypot(across, up)
        angle = min(away / self._side(frame), 2.0) * math.pi / 2
        flat = math.sin(angle) / max(away, 1e-6)
        return [across * flat, up * flat, math.cos(angle)]

    def _behind(self, light: Light) -> bool:
        return light["kind"] == "distant" and self._rig.seen(_plain(light["direction"]), point=False)[2] < 0


def _near(handle: QPointF, at: QPointF) -> bool:
    return math.hypot(handle.x() - at.x(), handle.y() - at.y()) <= REACH


def _plain(value: Any) -> tuple[float, ...]:
    """The numbers of a value; of one that is keyed over frames, those of its first key."""
    return tuple(value["keys"][0][1] if isinstance(value, dict) else value)


def _first(value: Any) -> float:
    """A number, or the first of several or of several keys."""
    if isinstance(value, dict):
        value = value["keys"][0][1]
    return float(value[0] if isinstance(value, (list, tuple)) else value)
