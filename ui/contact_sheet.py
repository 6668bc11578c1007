"""The contact sheet: frames of the whole shot, before and after, in a window that fills while one works on."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QCloseEvent, QColor, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QDialog, QFileDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from . import theme
from .session import Session

FRAMES = 8  # on a sheet
SIDE = 320  # px, the longer side of a picture
ACROSS = 4  # pairs in a row
GAP, CAPTION = 6, 18


class ContactSheet(QDialog):
    """Requests the pictures one after another; closing it requests no more."""

    def __init__(self, session: Session, frames: tuple[int, ...], parent: QWidget) -> None:
        super().__init__(parent)
        self._session, self._open = session, True
        self.frames = spread(frames, FRAMES)
        self.pictures: dict[tuple[int, str], QImage] = {}
        self._wanted = [(frame, stage) for stage in ("plate", "relit") for frame in self.frames]
        self.setWindowTitle("Contact sheet")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        theme.dress(self)
        self.resize(1120, 620)
        self._sheet = _Sheet(self)
        self._says = QLabel(self)
        self._save = QPushButton("Save as a picture …", self)
        self._save.clicked.connect(self._choose)
        foot = QHBoxLayout()
        foot.addWidget(self._says, 1)
        foot.addWidget(self._save)
        box = QVBoxLayout(self)
        box.addWidget(self._sheet, 1)
        box.addLayout(foot)
        self._next()

    def image(self) -> QImage:
        """The sheet at full size."""
        width, height = self._cell()
        rows = -(-len(self.frames) // ACROSS)
        size = (ACROSS * (width + GAP) + GAP, rows * (2 * height + CAPTION + GAP) + GAP)
        image = QImage(*size, QImage.Format.Format_RGB32)
        image.fill(QColor(theme.PICTURE))
        painter = QPainter(image)
        for index, frame in enumerate(self.frames):
            left = GAP + index % ACROSS * (width + GAP)
            top = GAP + index // ACROSS * (2 * height + CAPTION + GAP)
            painter.setPen(QColor(theme.QUIET))
            painter.drawText(QPointF(left, top + 13), f"frame {frame}: plate, relit")
            for row, stage in enumerate(("plate", "relit")):
                picture = self.pictures.get((frame, stage))
                if picture is not None:
                    painter.drawImage(QRectF(left, top + CAPTION + row * height, width, height), picture)
        painter.end()
        return image

    def done(self, result: int = 0) -> None:
        self._open = False
        super().done(result)

    def closeEvent(self, event: QCloseEvent) -> None:
        self._open = False
        super().closeEvent(event)

    def isComplete(self) -> bool:
        """Whether every picture is there."""
        return not self._wanted

    def _cell(self) -> tuple[int, int]:
        first = next(iter(self.pictures.values()), None)
        return (SIDE, SIDE * 9 // 16) if first is None else (first.width(), first.height())

    def _next(self) -> None:
        self._says.setText(f"{len(self._wanted)} pictures are still worked out" if self._wanted else "")
        if not self._wanted or not self._open:
            return
        frame, stage = self._wanted[0]

        def ready(image: QImage) -> None:
            if self._open:
                self._wanted.pop(0)
                self.pictures[frame, stage] = image
                self._sheet.update()
                self._next()

        def failed(sentence: str) -> None:
            if self._open:
                self._wanted.clear()
                self._says.setText(sentence)

        self._session.askFrame(stage, frame, SIDE, ready, failed)

    def _choose(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Save the sheet", "sheet.png", "Pictures (*.png *.jpg)")
        if path and not self.image().save(path):
            self._says.setText(f"{path} cannot be written")


class _Sheet(QWidget):
    def paintEvent(self, event: QPaintEvent) -> None:
        sheet = self.parent()
        assert isinstance(sheet, ContactSheet)
        image = sheet.image()
        fit = image.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(QRectF(0, 0, fit.width(), fit.height()), image)
        painter.end()


def spread(frames: tuple[int, ...], count: int) -> tuple[int, ...]:
    """At most `count` of the frames, evenly over them, the first and the last among them.

    >>> spread(tuple(range(1001, 1025)), 4)
    (1001, 1009, 1016, 1024)
    """
    if len(frames) <= count:
        return frames
    return tuple(frames[round(i * (len(frames) - 1) / (count - 1))] for i in range(count))
