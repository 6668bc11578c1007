"""The making of what ships: scenes, light stage, datasets and trainers."""
