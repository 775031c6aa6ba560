"""What the pages' pictures are drawn by; ``_ext/picture.py`` calls these functions."""
