"""The colours and the style of the panel: dark and compact, so that it fits beside Nuke and the picture stands out."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication, QWidget

WINDOW, FIELD, RAISED, LINE = "#2d2d2e", "#232324", "#3a3a3c", "#48484a"
TEXT, QUIET, ACCENT, WRONG, GOOD = "#c9c9c9", "#8c8c8c", "#d9a05b", "#e07a6c", "#86b98a"
DIM = "#6a6a6a"  # what cannot be used now
DEEP = "#7d6138"  # of the accent, for what is filled
PICTURE = "#1a1a1a"  # around pictures: neutral, so that it does not tint the eye

_ARROW, _TICK = (Path(__file__).with_name(f"{name}.svg").as_posix() for name in ("arrow", "tick"))

_SHEET = f"""
QWidget {{ color: {TEXT}; font-size: 12px; }}
QMainWindow, QDialog {{ background: {WINDOW}; }}
QToolTip {{ color: {TEXT}; background: {FIELD}; border: 1px solid {LINE}; padding: 4px; }}
QLineEdit, QSpinBox, QDoubleSpinBox, QComboBox, QListWidget, QPlainTextEdit {{
    background: {FIELD}; border: 1px solid {LINE}; border-radius: 3px; padding: 1px 5px; min-height: 18px;
    selection-background-color: {ACCENT}; selection-color: {FIELD}; }}
QLineEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus, QComboBox:focus, QListWidget:focus {{ border-color: {ACCENT}; }}
QLineEdit:disabled, QSpinBox:disabled, QDoubleSpinBox:disabled, QComboBox:disabled {{ color: {DIM}; border-color: {RAISED}; }}
QSpinBox::up-button, QSpinBox::down-button, QDoubleSpinBox::up-button, QDoubleSpinBox::down-button {{
    width: 0; border: none; }}
QDoubleSpinBox[tight="true"] {{ padding: 1px 2px; }}
QToolButton[tight="true"] {{ padding: 1px 5px; }}
QComboBox::drop-down {{ border: none; width: 16px; }}
QComboBox::down-arrow, QToolButton::menu-indicator {{ image: url("{_ARROW}"); width: 8px; height: 5px; }}
QToolButton::menu-indicator {{ subcontrol-origin: padding; subcontrol-position: right center; right: 4px; }}
QToolButton[popupMode="2"] {{ padding-right: 17px; }}
QToolButton[popupMode="1"] {{ padding-right: 19px; }}
QToolButton::menu-button {{ border: none; border-left: 1px solid {LINE}; width: 15px; }}
QToolButton::menu-arrow {{ image: url("{_ARROW}"); width: 8px; height: 5px; }}
QComboBox QAbstractItemView, QMenu {{ background: {FIELD}; border: 1px solid {LINE}; padding: 2px;
    selection-background-color: {RAISED}; selection-color: {ACCENT}; outline: none; }}
QMenu::item {{ padding: 4px 22px 4px 20px; }}
QMenu::item:selected {{ background: {RAISED}; color: {ACCENT}; }}
QMenu::item:disabled {{ color: {DIM}; }}
QMenu::separator {{ height: 1px; background: {LINE}; margin: 3px 6px; }}
QTabWidget::pane {{ border: none; border-top: 1px solid {LINE}; }}
QTabBar::tab {{ padding: 4px 14px; color: {QUIET}; border-bottom: 2px solid transparent; }}
QTabBar::tab:selected {{ color: {TEXT}; border-bottom-color: {ACCENT}; }}
QPushButton, QToolButton {{
    background: {RAISED}; border: 1px solid {LINE}; border-radius: 3px; padding: 1px 8px; min-height: 18px; }}
QPushButton:hover, QToolButton:hover {{ border-color: {QUIET}; }}
QPushButton:pressed, QToolButton:pressed, QToolButton:checked {{ background: {FIELD}; color: {ACCENT}; }}
QPushButton:focus, QToolButton:focus {{ border-color: {ACCENT}; }}
QPushButton:disabled, QToolButton:disabled {{ color: {DIM}; background: {WINDOW}; border-color: {RAISED}; }}
QPushButton[role="main"] {{ min-height: 24px; color: {TEXT}; background: {DEEP}; border-color: {DEEP}; }}
QPushButton[role="main"]:hover {{ border-color: {ACCENT}; }}
QToolButton[quiet="true"] {{ background: transparent; border: none; padding: 0; color: {QUIET}; }}
QToolButton[quiet="true"]:hover {{ color: {ACCENT}; }}
QToolButton[quiet="true"]:disabled {{ color: transparent; }}
QToolButton[small="true"] {{ padding: 0 5px; min-height: 15px; font-size: 11px; color: {QUIET}; }}
QToolButton[small="true"][popupMode="2"] {{ padding: 0 13px 0 3px; }}
QToolButton[small="true"]:checked {{ color: {ACCENT}; }}
QToolButton[role="heading"] {{ background: transparent; border: none; padding: 0; margin-top: 6px; color: {QUIET};
    font-weight: bold; }}
QToolButton[role="heading"]:hover {{ color: {TEXT}; }}
QCheckBox {{ spacing: 6px; }}
QCheckBox::indicator {{ width: 12px; height: 12px; border: 1px solid {LINE}; border-radius: 3px; background: {FIELD}; }}
QCheckBox::indicator:hover {{ border-color: {QUIET}; }}
QCheckBox::indicator:checked {{ background: {ACCENT}; border-color: {ACCENT}; image: url("{_TICK}"); }}
QScrollArea, QScrollArea > QWidget > QWidget {{ background: {WINDOW}; border: none; }}
QScrollBar:vertical {{ background: transparent; width: 9px; }}
QScrollBar::handle:vertical {{ background: {LINE}; border-radius: 4px; min-height: 24px; }}
QScrollBar::add-line, QScrollBar::sub-line {{ height: 0; }}
QProgressBar {{ background: {FIELD}; border: 1px solid {LINE}; border-radius: 3px; text-align: center; height: 14px; }}
QProgressBar::chunk {{ background: {DEEP}; }}
QSlider::groove:horizontal {{ background: {FIELD}; height: 4px; border-radius: 2px; }}
QSlider::handle:horizontal {{ background: {QUIET}; width: 10px; margin: -4px 0; border-radius: 5px; }}
QSlider::handle:horizontal:hover, QSlider::handle:horizontal:focus {{ background: {ACCENT}; }}
QFrame[selected="true"] {{ background: {RAISED}; border-radius: 3px; }}
QFrame[role="banner"] {{ background: {RAISED}; border: 1px solid {DEEP}; border-radius: 3px; }}
QSplitter::handle {{ background: {WINDOW}; }}
QLabel[role="heading"] {{ color: {QUIET}; font-weight: bold; }}
QLabel[role="quiet"] {{ color: {QUIET}; }}
QLabel[role="warning"] {{ color: {ACCENT}; }}
QLabel[role="wrong"] {{ color: {WRONG}; }}
QLabel[role="good"] {{ color: {GOOD}; }}
QLabel[changed="true"] {{ color: {ACCENT}; }}
"""


def dress(widget: QWidget) -> None:
    """Set the panel's colours and style on a widget and its children, whatever the style of the application."""
    palette = QPalette()
    roles = QPalette.ColorRole
    for role, colour in (
        (roles.Window, WINDOW), (roles.Base, FIELD), (roles.AlternateBase, WINDOW), (roles.Button, RAISED),
        (roles.WindowText, TEXT), (roles.Text, TEXT), (roles.ButtonText, TEXT), (roles.Highlight, ACCENT),
        (roles.HighlightedText, FIELD), (roles.PlaceholderText, QUIET), (roles.ToolTipBase, FIELD),
        (roles.ToolTipText, TEXT),
    ):  # fmt: skip
        palette.setColor(role, QColor(colour))
    widget.setPalette(palette)
    widget.setAutoFillBackground(True)
    widget.setStyleSheet(_SHEET)


def apply(application: QApplication) -> None:
    """Set the panel's colours and style on a whole application, for a widget that runs by itself."""
    application.setStyle("Fusion")
    holder = QWidget()
    dress(holder)
    application.setPalette(holder.palette())
    application.setStyleSheet(_SHEET)
