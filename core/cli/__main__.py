"""`python -m relamp.core.cli`."""

import sys

from . import main

sys.exit(main())
