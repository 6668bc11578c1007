"""Playing a shot: one frame after another, each as soon as its picture is there and never faster than the frame rate."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from .session import Session
from .timeline import Timeline

FPS = 24.0


class Playback(QObject):
    """Drives a `Timeline`; frames whose pictures are kept play in time, others wait for their pictures."""

    playingChanged = Signal(bool)

    def __init__(self, session: Session, timeline: Timeline, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._timeline = session, timeline
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._advance)
        self.setFps(FPS)
        session.pictureFailed.connect(lambda sentence: self.setPlaying(False))

    def setFps(self, fps: float) -> None:
        """Set the number of frames per second."""
        self._timer.setInterval(round(1000 / fps))

    def isPlaying(self) -> bool:
        """Whether it plays."""
        return self._timer.isActive()

    def setPlaying(self, on: bool) -> None:
        """Play or stop."""
        on = on and len(self._timeline.frames()) > 1
        if on == self.isPlaying():
            return
        if on:
            self._timer.start()
        else:
            self._timer.stop()
        self._session.setMoving(on)
        self.playingChanged.emit(on)

    def _advance(self) -> None:
        if not self._session.isWaiting():
            self._timeline.setValue(self._timeline.step(1))
