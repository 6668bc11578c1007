"""How the panel looks: dark, calm and compact, so that it sits beside Nuke and the picture is what is seen."""

from __future__ import annotations

from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication

WINDOW, FIELD, RAISED, LINE = "#2d2d2e", "#232324", "#3a3a3c", "#48484a"
TEXT, QUIET, ACCENT, WRONG, GOOD = "#c9c9c9", "#8c8c8c", "#d9a05b", "#e07a6c", "#86b98a"
PICTURE = "#1a1a1a"  # around pictures: neutral, so that it does not tint the eye

_SHEET = f"""
QWidget {{ color: {TEXT}; font-size: 12px; }}
QMainWindow, QDialog {{ background: {WINDOW}; }}
QToolTip {{ color: {TEXT}; background: {FIELD}; border: 1px solid {LINE}; padding: 4px; }}
QLineEdit, QSpinBox, QDoubleSpinBox, QComboBox, QListWidget, QPlainTextEdit {{
    background: {FIELD}; border: 1px solid {LINE}; border-radius: 3px; padding: 2px 4px;
    selection-background-color: {ACCENT}; selection-color: {FIELD}; }}
QLineEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus, QComboBox:focus, QListWidget:focus {{ border-color: {ACCENT}; }}
QLineEdit:disabled, QSpinBox:disabled, QDoubleSpinBox:disabled {{ color: {QUIET}; }}
QSpinBox::up-button, QSpinBox::down-button, QDoubleSpinBox::up-button, QDoubleSpinBox::down-button {{
    width: 0; border: none; }}
QTabWidget::pane {{ border: none; border-top: 1px solid {LINE}; }}
QTabBar::tab {{ padding: 4px 14px; color: {QUIET}; border-bottom: 2px solid transparent; }}
QTabBar::tab:selected {{ color: {TEXT}; border-bottom-color: {ACCENT}; }}
QPushButton, QToolButton {{
    background: {RAISED}; border: 1px solid {LINE}; border-radius: 3px; padding: 3px 8px; }}
QPushButton:hover, QToolButton:hover {{ border-color: {QUIET}; }}
QPushButton:pressed, QToolButton:pressed, QToolButton:checked {{ background: {FIELD}; color: {ACCENT}; }}
QPushButton:focus, QToolButton:focus {{ border-color: {ACCENT}; }}
QPushButton:disabled, QToolButton:disabled {{ color: #6a6a6a; background: {WINDOW}; }}
QToolButton[quiet="true"] {{ background: transparent; border: none; padding: 0; color: {QUIET}; }}
QToolButton[quiet="true"]:hover {{ color: {ACCENT}; }}
QScrollArea, QScrollArea > QWidget > QWidget {{ background: {WINDOW}; border: none; }}
QScrollBar:vertical {{ background: transparent; width: 9px; }}
QScrollBar::handle:vertical {{ background: {LINE}; border-radius: 4px; min-height: 24px; }}
QScrollBar::add-line, QScrollBar::sub-line {{ height: 0; }}
QProgressBar {{ background: {FIELD}; border: 1px solid {LINE}; border-radius: 3px; text-align: center; height: 14px; }}
QProgressBar::chunk {{ background: #6d5534; }}
QSlider::groove:horizontal {{ background: {FIELD}; height: 4px; border-radius: 2px; }}
QSlider::handle:horizontal {{ background: {QUIET}; width: 10px; margin: -4px 0; border-radius: 5px; }}
QSlider::handle:horizontal:hover, QSlider::handle:horizontal:focus {{ background: {ACCENT}; }}
QSplitter::handle {{ background: {WINDOW}; }}
QLabel[role="heading"] {{ color: {QUIET}; font-weight: bold; }}
QLabel[role="quiet"] {{ color: {QUIET}; }}
QLabel[role="wrong"] {{ color: {WRONG}; }}
QLabel[role="good"] {{ color: {GOOD}; }}
QLabel[changed="true"] {{ color: {ACCENT}; }}
"""


def apply(application: QApplication) -> None:
    """Give the application Relamp's look. A host that embeds the panel keeps its own."""
    application.setStyle("Fusion")
    palette = QPalette()
    roles = QPalette.ColorRole
    for role, colour in (
        (roles.Window, WINDOW), (roles.Base, FIELD), (roles.AlternateBase, WINDOW), (roles.Button, RAISED),
        (roles.WindowText, TEXT), (roles.Text, TEXT), (roles.ButtonText, TEXT), (roles.Highlight, ACCENT),
        (roles.HighlightedText, FIELD), (roles.PlaceholderText, QUIET), (roles.ToolTipBase, FIELD),
        (roles.ToolTipText, TEXT),
    ):  # fmt: skip
        palette.setColor(role, QColor(colour))
    application.setPalette(palette)
    application.setStyleSheet(_SHEET)
