"""Light as data: environments, irradiance, reflections and lamps."""
