"""The directives of these pages; what they show is made by the modules beside this one."""

from pathlib import Path

import api
import messages
import performance
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

import fastconv


class Api(SphinxDirective):
    """``{api} module``: docstring, table, and pages."""

    required_arguments = 1

    def run(self):
        """Return the nodes."""
        return self.parse_text_to_nodes("```{eval-rst}\n" + api.module_text(self.arguments[0]) + "\n```")


class Messages(SphinxDirective):
    """``{messages}``: every message of every error."""

    def run(self):
        """Return the nodes."""
        text = messages.as_text(Path(fastconv.__file__).parent)
        return [nodes.container("", *self.parse_text_to_nodes(text), classes=["messages"])]


class Performance(SphinxDirective):
    """``{performance} part``: tables made from the files of measurements."""

    required_arguments = 1

    def run(self):
        """Return the nodes."""
        self.env.note_dependency(str(performance.FILE))
        return self.parse_text_to_nodes("\n".join(performance.lines_of(self.arguments[0])))


def setup(app):
    """Register the directives, and write the pages of the API."""
    app.add_directive("api", Api)
    app.add_directive("messages", Messages)
    app.add_directive("performance", Performance)
    app.connect("builder-inited", lambda app: api.write_pages(app.srcdir))
    return {"parallel_read_safe": True}
