"""A file seen through another one that is careful with it."""

import io


class Around(io.RawIOBase):
    """A file that hands on to another; a subclass changes how it is read.

    Examples
    --------
    >>> Around(io.BytesIO(b"bytes")).seek(2)
    2
    """

    def __init__(self, file):
        self.file = file

    def seek(self, offset, whence=io.SEEK_SET):
        """Go to a place."""
        return self.file.seek(offset, whence)

    def tell(self):
        """Return the place."""
        return self.file.tell()

    def seekable(self):
        """Return True."""
        return True

    def readable(self):
        """Return True."""
        return True
