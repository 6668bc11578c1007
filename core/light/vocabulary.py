"""The words that a prompt for light may contain, each with its meaning in degrees, kelvin, stops and colours.

`TOPICS` is the vocabulary by topic, as `relamp env --words` lists it; `light.phrases` uses it to read prompts. Standard
library only.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fixture:
    """The default values of one kind of light.

    `elevation` and `radius` are in degrees (of the `shape`), `kelvin` the colour, `stops` the strength
    against a key light, `azimuth` from the front toward the camera's right, None for a free position.
    """

    shape: str
    elevation: float
    radius: float
    kelvin: float
    stops: float = 0.0
    azimuth: float | None = None


# Shapes: disk, panel (as high as wide), window (with bars), strip (upright), flames. Sun and moon are half a degree wide.
FIXTURES = {
    "sun": Fixture("sun", 40, 0.2665, 5400),
    "moon": Fixture("disk", 25, 0.26, 12000),
    "window": Fixture("window", 8, 18, 6500),
    "softbox": Fixture("panel", 30, 16, 5600),
    "panel": Fixture("panel", 25, 12, 5600),
    "screen": Fixture("panel", -5, 14, 8500),
    "lamp": Fixture("disk", 20, 6, 4500),
    "bulb": Fixture("disk", 20, 2, 2800),
    "spotlight": Fixture("disk", 45, 1.5, 4200),
    "street lamp": Fixture("disk", 60, 1, 2100),
    "ring light": Fixture("disk", 0, 9, 5600, 0.0, 0.0),
    "neon": Fixture("strip", 12, 11, 6500),
    "strip": Fixture("strip", 15, 16, 5600),
    "candle": Fixture("disk", -18, 1, 1850),
    "fire": Fixture("flames", -12, 10, 1950),
    "key": Fixture("panel", 30, 10, 5600),
    "rembrandt": Fixture("panel", 40, 10, 5600, 0.0, -45.0),
    "butterfly": Fixture("panel", 50, 9, 5600, 0.0, 0.0),
    "fill": Fixture("panel", 5, 32, 5600, -2.5),
    "rim": Fixture("strip", 30, 14, 5600, 0.5, 145.0),
}

LIGHT_WORDS = {
    **{name: name for name in FIXTURES},
    "sunlight": "sun", "sunshine": "sun", "sunbeam": "sun", "moonlight": "moon", "moonlit": "moon", "windows": "window",
    "blinds": "window", "venetian blinds": "window", "north light": "window", "octabox": "softbox", "soft box": "softbox",
    "beauty dish": "softbox", "tv": "screen", "television": "screen", "monitor": "screen", "phone screen": "screen",
    "phone": "screen", "laptop": "screen", "computer screen": "screen",
    "lantern": "bulb", "table lamp": "bulb", "light bulb": "bulb", "spot": "spotlight",
    "torch": "spotlight", "flashlight": "spotlight", "streetlight": "street lamp",
    "street light": "street lamp", "streetlamp": "street lamp", "street lights": "street lamp", "street lamps": "street lamp",
    "streetlights": "street lamp", "headlight": "spotlight", "shaft of light": "spotlight", "shafts of light": "spotlight",
    "god rays": "sun", "sun rays": "sun", "tube": "strip", "neon sign": "neon", "neon signs": "neon", "neon light": "neon",
    "neon lights": "neon", "tubes": "strip", "dashboard": "screen", "instrument panel": "screen", "floodlight": "spotlight",
    "floodlights": "spotlight", "fresnel": "spotlight", "hmi": "spotlight", "led panel": "panel", "china ball": "bulb",
    "reflector": "fill", "bounce": "fill", "bounce card": "fill", "bounce board": "fill", "neons": "neon",
    "candles": "candle", "candlelight": "candle", "candlelit": "candle", "campfire": "fire", "fireplace": "fire",
    "flames": "fire", "firelight": "fire", "bonfire": "fire", "fill light": "fill", "key light": "key",
    "rim light": "rim", "backlight": "rim", "back light": "rim", "backlit": "rim", "hair light": "rim", "kicker": "rim",
    "practical": "bulb", "practicals": "bulb", "practical lamp": "bulb", "practical light": "bulb", "practical lights": "bulb",
    "paramount": "butterfly", "cheek light": "rim", "edge light": "rim", "book light": "softbox",
}  # fmt: skip
BACK_WORDS = ("backlight", "back light", "backlit")  # with another light they give that light's position
GENERIC_WORDS = ("light", "lights", "lighting", "glow", "lit", "illumination")
SKY_WORDS = ("sky", "skylight", "heaven", "daylight")

# Elevation of the sun in degrees, None where it is not visible, and the turbidity of its sky.
TIMES: dict[str, tuple[float | None, float]] = {
    "sunrise": (3, 3.0),
    "morning": (22, 2.8),
    "noon": (68, 2.5),
    "afternoon": (40, 2.8),
    "evening": (12, 3.2),
    "golden hour": (7, 3.2),
    "sunset": (2.5, 4.0),
    "dusk": (None, 4.0),
    "blue hour": (None, 2.5),
    "night": (None, 2.5),
}

TIME_WORDS = {
    **{name: name for name in TIMES},
    "dawn": "dusk", "twilight": "dusk", "midday": "noon", "high noon": "noon", "day": "afternoon", "daytime": "afternoon",
    "late afternoon": "evening", "early morning": "sunrise", "magic hour": "golden hour", "nighttime": "night",
    "midnight": "night",
}  # fmt: skip
WEATHER_WORDS = {
    "clear": "clear", "cloudless": "clear", "cloudy": "cloudy", "clouds": "cloudy", "overcast": "overcast",
    "grey sky": "overcast",
    "gray sky": "overcast", "hazy": "hazy", "haze": "hazy", "foggy": "foggy", "fog": "foggy", "misty": "foggy",
    "mist": "foggy", "stormy": "stormy", "storm": "stormy", "rainy": "overcast", "rain": "overcast",
}  # fmt: skip
GROUNDS = {
    "earth": (0.20, 0.17, 0.13), "snow": (0.82, 0.84, 0.88), "sand": (0.42, 0.34, 0.23), "grass": (0.08, 0.12, 0.04),
    "asphalt": (0.09, 0.09, 0.1), "water": (0.06, 0.07, 0.08),
}  # fmt: skip
GROUND_WORDS = {
    **{name: name for name in GROUNDS},
    "snowy": "snow", "beach": "sand", "desert": "sand", "meadow": "grass", "street": "asphalt",
    "road": "asphalt", "sea": "water", "lake": "water", "ground": "earth",
}  # fmt: skip
ROOM_WORDS = {
    "room": "room", "interior": "room", "indoors": "room", "indoor": "room", "studio": "studio", "stage": "studio",
    **dict.fromkeys(("living room", "bedroom", "kitchen", "office", "corridor", "hallway", "bar", "restaurant", "hospital",
                     "church", "cathedral", "warehouse"), "room"),
    "club": "studio", "nightclub": "studio", "theatre": "studio",
    "outdoors": "outdoors", "outdoor": "outdoors", "outside": "outdoors",
}  # fmt: skip

KELVIN = {
    "warm": 3200.0, "cool": 9000.0, "cold": 12000.0, "neutral": 6500.0, "white": 6500.0, "tungsten": 3200.0,
    "amber": 2200.0, "golden": 2700.0, "sodium": 2000.0, "fluorescent": 4300.0,
}  # fmt: skip
HUES = {
    "red": (1.0, 0.06, 0.03), "orange": (1.0, 0.34, 0.05), "yellow": (1.0, 0.78, 0.1), "green": (0.1, 1.0, 0.15),
    "teal": (0.05, 0.8, 0.65), "cyan": (0.08, 0.85, 1.0), "blue": (0.08, 0.25, 1.0), "purple": (0.4, 0.08, 1.0),
    "violet": (0.4, 0.08, 1.0), "magenta": (1.0, 0.08, 0.75), "pink": (1.0, 0.28, 0.5),
}  # fmt: skip
COLOUR_WORDS = {
    **{name: name for name in (*KELVIN, *HUES)}, "warmer": "warm", "cooler": "cool", "gold": "golden",
    "bluish": "blue", "reddish": "red", "greenish": "green", "pinkish": "pink", "orangey": "orange",
}  # fmt: skip
# Colours that already have the warmth said with them: `cool blue` is blue.
WARMTHS = {
    "warm": frozenset(("red", "orange", "yellow", "pink", "golden", "amber", "tungsten", "sodium")),
    "cool": frozenset(("blue", "cyan", "teal", "purple", "violet", "cold")),
    "cold": frozenset(("blue", "cyan", "teal", "purple", "violet")),
    "fluorescent": frozenset(HUES),
}
SIDE_WORDS = {
    "left": "left", "right": "right", "front": "front", "camera": "front", "frontal": "front", "behind": "behind",
    "back": "behind", "rear": "behind", "above": "above", "overhead": "above", "top": "above", "below": "below",
    "under": "below", "underneath": "below", "beneath": "below", "side": "side", "straight down": "above",
    "camera left": "left", "camera right": "right", "screen left": "left", "screen right": "right", "frame left": "left",
    "frame right": "right",
}  # fmt: skip
HEIGHTS = {"low": 8.0, "high": 62.0}
STRENGTHS = {
    "bright": 1.0, "strong": 1.0, "intense": 2.0, "blazing": 2.0, "dim": -1.5, "weak": -1.5, "faint": -2.5,
    "gentle": -0.7, "subtle": -2.0,
}  # fmt: skip
SIZES = {
    "soft": 2.5, "diffuse": 3.5, "diffused": 3.5, "hard": 0.3, "harsh": 0.3, "crisp": 0.3, "big": 2.0, "large": 2.0,
    "huge": 3.0, "wide": 2.0, "small": 0.5, "tiny": 0.25, "narrow": 0.5,
}  # fmt: skip
CONTRASTS = {
    "high contrast": -2.0, "contrasty": -2.0, "dramatic": -2.0, "dark": -2.0, "moody": -2.5,
    "low contrast": 1.5, "flat": 2.0, "no fill": -4.0, "only": -4.0,
}  # fmt: skip
# Stops by which a word lowers the level of the whole light, in addition to its effect on single lights.
LEVELS = {"dark": -1.0, "night": -2.0, "dusk": -1.0, "blue hour": -1.0, "moon": -1.5}
EVEN_WORDS = ("even", "uniform", "shadowless", "no shadows", "without shadows", "remove shadows", "remove the shadows")
UNKNOWN_HINTS = {
    **dict.fromkeys(("two", "three", "four", "both", "several", "many", "pair"), "name each light with a place of its own"),
    **dict.fromkeys(
        ("flickering", "moving", "turning", "flashing", "pulsing", "fading", "swinging", "animated"),
        "words are one moment; --env-exposure and --env-rotate take a value a frame",
    ),
    "background": "a light on the background does not reach the subject; light the background itself in the comp",
    **dict.fromkeys(("grey", "gray"), "say white, cool, or an overcast sky"),
    "eye": "say where it stands, as in: small weak lamp from the front",
    **dict.fromkeys(("cto", "ctb", "gel", "gelled"), "say the colour of the light in kelvin, as in: key 3200 K"),
}  # fmt: skip
DEGREE_WORDS = {
    "very": 1.6,
    "extremely": 2.2,
    "slightly": 0.5,
    "softly": 0.5,
    "somewhat": 0.6,
    "quite": 1.2,
    "extra": 1.6,
}
NEGATIONS = ("no", "without")
FILLER_WORDS = frozenset(
    ("add", "a", "an", "the", "of", "in", "on", "at", "to", "by", "from", "is", "it", "its", "this", "that", "coming", "comes",
     "shining", "shines", "falling", "falls", "through", "into", "over", "across", "onto", "scene", "shot", "picture",
     "toned", "colored", "coloured", "colour", "color", "off", "make", "look", "looks", "looking", "like", "as", "if", "be",
     "feel", "feels", "give", "me", "use", "want", "please", "her", "his", "their", "my", "him", "them", "face",
     "subject", "actor", "actress", "person", "man", "woman", "single", "source", "one", "just", "table", "bit", "little",
     "against", "mountain", "mountains", "hill", "hills", "car", "city", "straight", "temperature",
     "dinner", "stadium", "emergency")
)  # fmt: skip
DIVIDERS = ("and", "with", "but", "plus")
NUMBER_WORDS = {"half a": "0.5", "a": "1", "one": "1", "two": "2", "three": "3", "four": "4"}
"""Number words that may precede `stop` or `stops`."""
SETUPS = {
    **dict.fromkeys(
        ("police lights", "police light", "emergency lights"),
        "small red lamp from the left, small blue lamp from the right",
    ),
    **dict.fromkeys(
        ("three point lighting", "three-point lighting", "3-point lighting", "three point light"), "key, fill, rim"
    ),
    **dict.fromkeys(("film noir", "noir"), "hard white spotlight from the left, high contrast"),
    **dict.fromkeys(
        ("teal and orange", "orange and teal"), "orange lamp from the front left, teal lamp from behind right"
    ),
    **dict.fromkeys(("car headlights", "headlights", "headlamps"), "hard white spotlight 3 degrees down"),
    **dict.fromkeys(
        ("christmas lights", "fairy lights", "string lights"),
        "small golden lamp from behind left, small golden lamp from behind right",
    ),
    "underwater": "soft teal lamp from above",
    **dict.fromkeys(("lightning flash", "lightning"), "hard cold lamp from above"),
    "silhouette": "no fill, backlight",
    **dict.fromkeys(("eye light", "eyelight", "catchlight", "catch light"), "small weak lamp from the front"),
    **dict.fromkeys(("underlight", "under light", "underlighting"), "lamp from below"),
    **dict.fromkeys(("cross light", "cross lighting", "cross-lighting"), "lamp from the left, lamp from behind right"),
}
"""Terms that mean several lights, with the same lights named one by one."""
UNITS = {
    "k": "kelvin", "kelvin": "kelvin", "degree": "degrees", "degrees": "degrees", "deg": "degrees", "°": "degrees",
    "stop": "stops", "stops": "stops",
}  # fmt: skip
UPWARD_WORDS = ("up", "high", "above")
BRIGHTER_WORDS = {"brighter": 1.0, "over": 1.0, "more": 1.0, "darker": -1.0, "less": -1.0, "dimmer": -1.0}

TOPICS: dict[str, tuple[str, ...]] = {
    "lights": (*LIGHT_WORDS, *GENERIC_WORDS, *SETUPS),
    "sky": (*SKY_WORDS, *WEATHER_WORDS),
    "time of day": tuple(TIME_WORDS),
    "place": (*ROOM_WORDS, *GROUND_WORDS),
    "where a light stands": (*SIDE_WORDS, *HEIGHTS),
    "colour": tuple(COLOUR_WORDS),
    "strength": tuple(STRENGTHS),
    "size": tuple(SIZES),
    "contrast": (*CONTRASTS, *EVEN_WORDS),
    "how much": tuple(DEGREE_WORDS),
    "leaving out": NEGATIONS,
}
"""The vocabulary, by topic."""
NUMBERS = ("3200 K", "30 degrees left", "20 degrees up", "+1 stop", "2 stops darker")
"""The forms of numbers."""
