"""What the numbers of `relamp evaluate` and `relamp flicker` mean, in a sentence, against named references.

The likeness references are mean PSNR in dB, sRGB inside the matte, once one exposure is fitted, on the ten validation shots
(`benchmarks/validation/table.py`). The flicker references are steps that are known by heart: one code of an 8-bit picture at
middle grey, and a tenth of a stop.
"""

from __future__ import annotations

import math

GIVEN_LEAST, GIVEN_MOST = 20.4, 24.9
"""dB that Relamp reaches on the validation shots: from plate and matte, and with normals, both lights and depth."""
ONE_CODE = 0.026
"""Stops between two neighbouring codes of 8-bit sRGB at 18 % grey (117 and 118 of 255)."""
VISIBLE = 0.1
"""Stops: seven per cent of the light. A step of this size is seen in a moving picture."""
ALIKE = 0.5
"""dB within which two likenesses count as equal."""


def of_likeness(aligned: float, exposure: float | None, unchanged: float | None) -> str:
    """Whether a relight is near the truth.

    Args:
        aligned: PSNR in dB once one exposure is fitted, `psnr_aligned`.
        exposure: that exposure in stops, above 0 where the relight is too dark.
        unchanged: the same PSNR of the plate as it is; None where no plate was given.
    """
    words = [_likeness(aligned, unchanged)]
    if exposure is not None and abs(exposure) >= VISIBLE:
        stops = f"{abs(exposure):.2g}"
        unit = "stop" if stops == "1" else "stops"
        words.append(f"It is {stops} {unit} too {'dark' if exposure > 0 else 'bright'}; --env-exposure mends that.")
    return " ".join(words)


def of_flicker(whole: float, local: float = 0.0) -> str:
    """Whether a sequence is steady, from its mean flicker in stops: of the whole picture, and of its parts beside that."""
    numbers = f"from frame to frame the whole picture changes by {whole:.3f} stops"
    numbers += f" and its parts by {local:.3f} beside that" if local else ""
    code = f"one code of an 8-bit picture at middle grey is {ONE_CODE:g}"
    worst = max(whole, local)
    if worst <= ONE_CODE:
        return f"Steady: {numbers}; {code}."
    if worst <= VISIBLE:
        return f"Slightly unsteady: {numbers}; {code}, and {VISIBLE:g} is seen by everybody. Look at the worst frames."
    return f"It flickers: {numbers}; {VISIBLE:g} is seen by everybody. relamp deflicker takes most of it out."


def _likeness(aligned: float, unchanged: float | None) -> str:
    if math.isinf(aligned):
        return "Alike: once the exposure is fitted, the relight has the numbers of the truth."
    reached = (
        f"on ten validation shots Relamp reaches {GIVEN_LEAST:g} dB from plate and matte alone and {GIVEN_MOST:g} dB with "
        "normals, depth and both lights"
    )
    beside = f", and the unchanged plate {unchanged:.1f} dB" if unchanged is not None else ""
    found = f"{aligned:.1f} dB once the exposure is fitted{beside}; {reached}."
    if unchanged is not None and aligned < unchanged + ALIKE:
        return f"Poor, no nearer to the truth than the unchanged plate: {found}"
    if aligned >= GIVEN_MOST - ALIKE:
        return f"Good: {found}"
    return f"{'Fair' if aligned >= GIVEN_LEAST - ALIKE else 'Poor'}: {found}"
